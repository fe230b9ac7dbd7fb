"""The command line. Each command is a module that is imported when it is used, so that help and typing are instant."""

from __future__ import annotations

import importlib
import os
import sys

import click

import genvae
from genvae.errors import GenvaeError, nearest
from genvae.text import printable

COMMANDS = {
    "generate": "Make new clips of a genre.",
    "interpolate": "A way from one sound to another.",
    "regenerate": "Make a generated clip again, byte for byte.",
    "reconstruct": "Encode and decode your own sound.",
    "prepare": "Chop recordings into a store of clips.",
    "train": "Train a model on a store.",
    "map": "Lay a run's training clips out on a plane.",
    "plot": "Pictures of sounds, of the latent space and of a training.",
    "info": "What a run, a store or a generated file is.",
    "export": "Write a run's decoder as ONNX.",
    "bench": "Measure speed and quality, with other libraries beside.",
    "doctor": "Check this installation, plugin by plugin.",
    "plugins": "List and show plugins.",
}


class LazyGroup(click.Group):
    """A group that knows its commands' names and summaries, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a command; None for a name that is not one."""
        if cmd_name not in COMMANDS:
            return None
        command = getattr(importlib.import_module(f"genvae.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but an unknown command is answered with the nearest name."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise click.UsageError(f"There is no command {args[0]!r}. {nearest(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error meant for people is its message and a status, never a traceback."""
        try:
            return super().invoke(ctx)
        except GenvaeError as error:
            message = str(error)
        except KeyboardInterrupt:
            click.echo("\nInterrupted.", err=True)
            ctx.exit(130)
        except BrokenPipeError:  # the reader of a pipe has had enough
            sys.stderr.close()
            ctx.exit(1)
        except OSError as error:  # a full disk, a folder that is not ours, a file system that has gone
            if error.strerror is None:  # a library's own kind, not the system's
                raise
            message = f"{os.fsdecode(error.filename)}: {error.strerror}." if error.filename else f"{error.strerror}."
        # Not map(printable, …): the command of that name becomes an attribute of this package, its submodule.
        click.echo("Error: " + "\n".join([printable(line) for line in message.splitlines()]), err=True)
        ctx.exit(1)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(genvae.__version__, prog_name="genvae")
def main() -> None:
    """Make new one-second clips of a genre with variational autoencoders, and train your own.

    \b
    genvae generate --genre techno                     a new clip, at once
    genvae prepare music/ --out store                  music/ holds a folder for each genre
    genvae train store --run run --minutes 30
    genvae generate --run run --genre GENRE            one of your own
    """
