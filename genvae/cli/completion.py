"""What the shell offers when Tab is pressed: genres, plugins, runs. It reads JSON alone, and is silent about errors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from genvae.pretrained import RUN_VARIABLE

if TYPE_CHECKING:
    from genvae.run_listing import RunSummary


def complete_runs(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Runs in the folder that is typed, and folders that may hold some."""
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    try:
        folders = sorted(each for each in folder.iterdir() if str(each).startswith(incomplete.removeprefix("./")))
    except OSError:
        folders = []
    runs = [each for each in folders if (each / "pipeline.json").is_file() or each.suffix == ".genvae"]
    items = [CompletionItem(str(each)) for each in runs]
    if "pretrained".startswith(incomplete):
        items.append(CompletionItem("pretrained", help="comes with genvae"))
    return items or [CompletionItem(incomplete, type="file")]


def complete_genres(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The genres of the run that is named so far."""
    begun, comma, last = incomplete.rpartition(",")
    run = _run(ctx.params.get("run_path"))
    names = [*(run.genres if run else ()), *(["all"] if ctx.info_name == "generate" and not comma else [])]
    return [CompletionItem(f"{begun}{comma}{name}") for name in names if name.startswith(last)]


def complete_vocoders(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Vocoders that are installed."""
    return _plugins("vocoder", incomplete)


def complete_parts(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Plugins of the kind that an option is named for, such as `--model`."""
    return _plugins("dataset" if parameter.name == "name" else str(parameter.name), incomplete)


def complete_plugins(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Plugins of any kind."""
    from genvae.plugin.declarations import KINDS

    return [item for kind in KINDS for item in _plugins(kind, incomplete)]


def complete_attributes(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What the run that is named so far can be asked for: `key=C` of words, `tempo=` of numbers."""
    run = _run(ctx.params.get("run_path"))
    items = []
    for each in run.attributes if run else ():
        begun = incomplete.rpartition(";")[0] + ";" if each.several and ";" in incomplete else f"{each.name}="
        values = [CompletionItem(f"{begun}{word}") for word in each.words]
        items += values or [CompletionItem(f"{each.name}=", help=each.known)]
    return [item for item in items if item.value.startswith(incomplete)]


run_option = click.option(
    "--run",
    "run_path",
    type=click.Path(path_type=Path),
    shell_complete=complete_runs,
    help=f"Run to use instead of the pretrained one, or of that in {RUN_VARIABLE}.",
)

with_option = click.option(
    "--with",
    "asked",
    multiple=True,
    metavar="NAME=VALUE",
    shell_complete=complete_attributes,
    help="What to ask for beyond the genre, such as tempo=128, of a run that knows it; may be repeated.",
)


def _plugins(kind: str, incomplete: str) -> list[CompletionItem]:
    from genvae.plugin.registry import installed

    try:
        return [CompletionItem(name) for name in installed().names(kind) if name.startswith(incomplete)]
    except Exception:  # nobody reads a traceback between two keys
        return []


def _run(run: Path | str | None) -> RunSummary | None:
    from genvae.pretrained import pretrained_run
    from genvae.run_listing import summary

    try:
        named = run or os.environ.get(RUN_VARIABLE) or "pretrained"
        return summary(pretrained_run() if str(named) == "pretrained" else Path(named))
    except Exception:
        return None
