"""Errors of the library in the words of the command line: flags in place of fields, commands in place of calls."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator, Mapping

import click

from genvae.errors import Cure, GenvaeError
from genvae.text import printable

_COMMANDS = {
    "make_map": "map",
    "export_onnx": "export",
    "make_critic": "evaluate",
    "train_vocoder": "train-vocoder",
}
"""Commands that have another name than the function."""

_FLAGS = {"source": ("--for", "--from"), "start": ("--from",), "options": ("--set",), "store": ("--out",)}
"""Flags of fields whose name differs; a flag of the field's own name goes before."""


def shown(error: GenvaeError, command: click.Command | None) -> str:
    """An error as people read it on a terminal: the message, and on a line of its own the command that mends it.

    Args:
        error: of the library, which speaks of fields.
        command: the one that was typed, whose flags are named.
    """
    text = re.sub(r"`([a-z_]+)`", lambda match: _flag(match[1], command) or match[0], error.message)
    lines = [printable(line) for line in text.splitlines()]
    if error.cure is not None:
        lines.append(f"Try: {printable(command_line(error.cure))}")
    return "\n".join(lines)


def command_line(cure: Cure) -> str:
    """A call of the library as a command that can be pasted."""
    name = _COMMANDS.get(cure.verb, cure.verb)
    module = name.replace("-", "_")
    command: click.Command = getattr(importlib.import_module(f"genvae.cli.{module}"), module)
    words = ["genvae", name]
    if cure.verb == "make_critic":
        words.append("--critic")
    positional = {_field(each): each for each in command.params if isinstance(each, click.Argument)}
    words += [_quoted(cure.fields[field]) for field in positional if field in cure.fields]
    for field, value in cure.fields.items():
        if field not in positional:
            words += _option(_flag(field, command) or f"--{field.replace('_', '-')}", value)
    return " ".join(words)


def _option(flag: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from (flag, _quoted(f"{name}={each}"))
    elif value is True:
        yield flag
    else:
        yield from (flag, _quoted(value))


def _quoted(value: object) -> str:
    text = str(value)
    if text.startswith("-"):
        text = f"./{text}"  # a path that would pass for an option
    return shlex.quote(text)


def _field(parameter: click.Parameter) -> str:
    return (parameter.name or "").removesuffix("_path")


def _flag(field: str, command: click.Command | None) -> str | None:
    """The flag, or the word in capitals, by which a command takes a field."""
    if command is None:
        return None
    flags = (f"--{field.replace('_', '-')}", *_FLAGS.get(field, ()))
    for flag in flags:
        for parameter in command.params:
            if isinstance(parameter, click.Option) and flag in parameter.opts:
                return flag
    for parameter in command.params:
        if isinstance(parameter, click.Argument) and _field(parameter) == field:
            return (parameter.metavar or field.upper()).strip("[].")
    return None
