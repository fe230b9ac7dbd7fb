"""The command line. Each command is a module that is imported when it is used, so that help and typing are instant."""

from __future__ import annotations

import importlib
import os
import sys
from functools import partial
from pathlib import Path

import click

import genvae
from genvae.errors import DiskError, GenvaeError, nearest
from genvae.text import printable

_SIGPIPE = 13  # with which other commands end where nobody reads on; some systems lack the name

COMMANDS = {
    "generate": "Make new clips of a genre.",
    "interpolate": "Interpolate between two sounds.",
    "serve": "Serve a page that makes and shows sounds.",
    "regenerate": "Make a generated clip again, byte for byte.",
    "encode": "Write a sound's latents.",
    "reconstruct": "Encode and decode your own sounds.",
    "prepare": "Chop recordings into a store of clips.",
    "store": "Join parts of a store, or export it.",
    "train": "Train a model on a store.",
    "train-vocoder": "Train a vocoder for a run.",
    "train-preference": "Teach a run which latents sound good.",
    "evaluate": "Measure how good a run's clips are.",
    "map": "Project training clips to 2-D.",
    "plot": "Draw sounds, the latent space, or a training.",
    "runs": "List the runs in a folder.",
    "pack": "Write a run as one file.",
    "verify": "Check a run, a store or a generated file for damage.",
    "info": "Show what a run, a store or a generated file is.",
    "export": "Write a run's decoder as ONNX.",
    "bench": "Measure speed and quality, beside other libraries.",
    "doctor": "Check this installation, plugin by plugin.",
    "plugins": "List, show, check and create plugins.",
}


def _use_files(ctx: click.Context, parameter: click.Parameter, paths: tuple[Path, ...]) -> None:
    """Let the registry know the files for as long as the command runs."""
    if not paths:
        return
    from genvae.plugin.registry import flaws, forget_file, use_file

    for path in paths:
        try:
            use_file(path)
            for flaw in flaws(path):
                click.echo(f"Warning: {printable(str(path))}: {printable(flaw)}.", err=True)
        except GenvaeError as error:  # here the command has not begun, so nothing else would tell it
            click.echo(f"Error: {printable(str(error))}", err=True)
            ctx.exit(error.exit_code)
        ctx.call_on_close(partial(forget_file, path))


def _plugin_option() -> click.Option:
    return click.Option(
        ["--plugin"],
        multiple=True,
        metavar="FILE",
        type=click.Path(path_type=Path),
        is_eager=True,
        expose_value=False,
        callback=_use_files,
        help="Use the plugins of a Python file too; may be repeated.",
    )


def _with_plugin_option(command: click.Command) -> click.Command:
    """The command, and those below it, with --plugin: it may stand after any of them."""
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _with_plugin_option(below)
    elif all(parameter.name != "plugin" for parameter in command.params):
        command.params.append(_plugin_option())
    return command


class LazyGroup(click.Group):
    """A group that knows its commands' names and summaries, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command, ours or a plugin's; None for a name that is not one."""
        if cmd_name not in COMMANDS:
            from genvae.cli.foreign import find

            return find(cmd_name)
        module = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"genvae.cli.{module}"), module)
        assert isinstance(command, click.Command)
        return _with_plugin_option(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown command is answered with the nearest name."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            from genvae.cli.foreign import find, names

            command = find(args[0])
            if command is None:
                command_names = [*COMMANDS, *names()]
                raise click.UsageError(f"There is no command {args[0]!r}. {nearest(args[0], command_names)}", ctx)
            return args[0], command, args[1:]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error meant for people is its message and a status, never a traceback."""
        try:
            return self._invoke_guarded(ctx)
        except GenvaeError as error:
            message, status = self._shown(error, ctx), error.exit_code
        except KeyboardInterrupt:
            click.echo("\nInterrupted.", err=True)
            ctx.exit(130)
        except BrokenPipeError:  # the reader of a pipe has had enough
            quietly = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quietly, sys.stdout.fileno())  # or the interpreter would complain when it flushes
            ctx.exit(128 + _SIGPIPE)
        except OSError as error:  # a full disk, a folder that is not ours, a file system that has gone
            if error.strerror is None:  # a library's own kind, not the system's
                raise
            message = f"{os.fsdecode(error.filename)}: {error.strerror}." if error.filename else f"{error.strerror}."
            status = DiskError.exit_code
        # Not map(printable, …): the command of that name becomes an attribute of this package, its submodule.
        click.echo("Error: " + "\n".join([printable(line) for line in message.splitlines()]), err=True)
        ctx.exit(status)

    def _shown(self, error: GenvaeError, ctx: click.Context) -> str:
        """An error in the words of the command that was typed."""
        from genvae.cli.errors import shown

        name = ctx.invoked_subcommand
        command = self.get_command(ctx, name) if name in COMMANDS else None
        if isinstance(command, click.Group):
            command = None
        return shown(error, command)

    def _invoke_guarded(self, ctx: click.Context) -> object:
        """Run the command; what a plugin's own one raises is told with its name."""
        try:
            return super().invoke(ctx)
        except (GenvaeError, OSError, click.ClickException, click.exceptions.Exit, click.exceptions.Abort):
            raise
        except Exception:
            name = ctx.invoked_subcommand
            if name is None or name in COMMANDS:
                raise
            from genvae.plugin.guard import guarded

            with guarded(f"The command {name!r}, which a plugin adds, failed", _module_of(self.get_command(ctx, name))):
                raise


def _module_of(command: click.Command | None) -> str:
    """The module of a plugin's command, "" for none."""
    return str(getattr(getattr(command, "callback", None), "__module__", ""))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(genvae.__version__, prog_name="genvae")
@click.option(
    "--plugin",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    expose_value=False,
    callback=_use_files,
    help="Use the plugins of a Python file too; may be repeated.",
)
def main() -> None:
    """Make new one-second clips of a genre with variational autoencoders, and train your own.

    \b
    genvae generate --genre techno                     a new clip, at once
    genvae prepare music/ --out store                  music/ holds a folder for each genre
    genvae train store --run run --minutes 30
    genvae generate --run run --genre GENRE            one of your own
    """
