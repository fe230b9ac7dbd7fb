"""Runs: the one that a command is to use, names for what it makes, and `genvae runs`, which lists them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.cli.assignments import parse_assignments, parse_attributes
from genvae.cli.output import is_file, show_json, show_table
from genvae.errors import GenvaeError
from genvae.text import file_part, file_stem

if TYPE_CHECKING:
    from genvae.items import ItemKind
    from genvae.run import Run
    from genvae.run_listing import RunSummary
    from genvae.synthesis.synthesizer import Synthesizer


def load_run(
    path: Run | Path | None, vocoder: str | None, assignments: Iterable[str], asked: Iterable[str] = ()
) -> Synthesizer:
    """A run ready to generate, by default the pretrained one, with the vocoder and its options that were asked for.

    Args:
        path: of the run.
        vocoder: in place of its own.
        assignments: what was typed behind `--set`.
        asked: what was typed behind `--with`.

    Raises:
        OptionError: a wrong option, or an attribute that the run does not know.
        PluginError: there is no such vocoder.
        RunError: the run is unfinished or damaged.
    """
    from genvae.verbs import load

    options = parse_assignments(assignments, example="vocoder.iterations=64")
    return load(path, vocoder=vocoder, options=options).with_attributes(parse_attributes(asked))


def require_kind(output: str, kind: ItemKind, *, aloud: bool = False, candidates: int = 1) -> None:
    """Before anything is made, refuse what a run's items can't be: a file of another format, played, or chosen among.

    Raises:
        GenvaeError: that.
    """
    from genvae.items import Sounds, suffix_of

    if output != "-" and is_file(output):
        suffix_of(Path(output), kind.suffixes, kind.name)
    if not isinstance(kind, Sounds) and (aloud or candidates > 1):
        raise GenvaeError(f"{'--play' if aloud else '--candidates'} is for sounds, and this run makes a {kind.name}.")


def file_name(genre: str, seed: int, index: int, suffix: str = ".wav") -> str:
    """A name such as `techno-s42-000.wav`, fit for any file system."""
    return f"{file_stem(genre)}-s{seed}-{index:03d}{suffix}"


def asked_name(synthesizer: Synthesizer) -> str:
    """What is asked for beyond the genre as a part of a file's name, such as `-tempo-128`."""
    values = synthesizer.asked.items()
    parts = (f"-{name}-{value if isinstance(value, str) else format(value, 'g')}" for name, value in values)
    return file_part("".join(parts), 80)


@click.command()
@click.argument("folder", required=False, default=".", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def runs(folder: Path, as_json: bool) -> None:
    """List the runs in FOLDER, by default here, and in the folders below it: trained on what, and how good.

    Loss and distance are of the last validation, and compare runs of the same model and store; `genvae evaluate`
    compares any. Packed runs are listed too.

    \b
    genvae runs
    genvae runs experiments --json
    """
    from genvae.run_listing import list_runs

    summaries = list_runs(folder)
    if as_json:
        show_json([each.to_json() for each in summaries])
    elif not summaries:
        raise GenvaeError(f"There are no runs in {folder}. `genvae train` makes one; --run pretrained is always there.")
    else:
        heads = ("run", "state", "model", "genres", "clips", "steps", "minutes", "loss", "distance dB")
        show_table(heads, [_row(each) for each in summaries])


def _row(run: RunSummary) -> list[str]:
    if run.problem:
        return [run.path, run.problem, *[""] * 7]
    numbers = (run.clips, run.steps, run.minutes, run.loss, run.distance_db)
    state = "trained" if run.finished else "unfinished"
    cells = ["" if number is None else f"{number:.5g}" for number in numbers]
    return [run.path, state, run.model, ", ".join(run.genres), *cells]
