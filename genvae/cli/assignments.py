"""`--set SECTION.NAME=VALUE`, as people type it."""

from __future__ import annotations

from collections.abc import Iterable

from genvae.errors import OptionError


def names(text: str | None) -> list[str]:
    """`"loudness, tempo"` -> `["loudness", "tempo"]`."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def parse_assignments(assignments: Iterable[str], *, example: str = "model.latent_dim=64") -> dict[str, str]:
    """`["model.latent_dim=64"]` -> `{"model.latent_dim": "64"}`; the last of two assignments to a name wins.

    Args:
        assignments: what was typed behind `--set`.
        example: one that the command would take, for the error.

    Raises:
        OptionError: text of another form.
    """
    parsed: dict[str, str] = {}
    for text in assignments:
        target, equals, value = text.partition("=")
        _, dot, name = target.partition(".")
        if not (equals and dot and name):
            raise OptionError(f"--set {text}: write it as --set SECTION.NAME=VALUE, for example {example}.")
        parsed[target] = value
    return parsed


def parse_attributes(asked: Iterable[str]) -> dict[str, str]:
    """`["tempo=128"]` -> `{"tempo": "128"}`; several for a name are several words: `{"tags": "dark;fast"}`.

    Raises:
        OptionError: text of another form.
    """
    parsed: dict[str, str] = {}
    for text in asked:
        name, equals, value = text.partition("=")
        if not (equals and name and value):
            raise OptionError(f"{text!r} is no attribute with a value: write NAME=VALUE, for example tempo=128.")
        parsed[name] = f"{parsed[name]};{value}" if name in parsed else value
    return parsed
