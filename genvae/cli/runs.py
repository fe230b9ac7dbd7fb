"""Runs: the one that a command is to use, names for what it makes, and `genvae runs`, which lists them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.cli.assignments import parse_assignments
from genvae.cli.output import show_json, show_table
from genvae.errors import GenvaeError

if TYPE_CHECKING:
    from genvae.run import Run
    from genvae.run_listing import RunSummary
    from genvae.synthesis.synthesizer import Synthesizer


def load_run(path: Run | Path | None, vocoder: str | None, assignments: Iterable[str]) -> Synthesizer:
    """A run ready to generate, by default the pretrained one, with the vocoder and its options that were asked for.

    Raises:
        OptionError: a wrong option.
        PluginError: there is no such vocoder.
        RunError: the run is unfinished or damaged.
    """
    from genvae.verbs import load

    return load(path, vocoder=vocoder, options=parse_assignments(assignments, example="vocoder.iterations=64"))


def file_name(genre: str, seed: int, index: int, suffix: str = ".wav") -> str:
    """A name such as `techno-s42-000.wav`, fit for any file system."""
    return f"{file_stem(genre)}-s{seed}-{index:03d}{suffix}"


def file_stem(name: str, most: int = 150) -> str:
    """A genre's or a file's name as a part of a file's name, fit for any file system, of so many bytes at most."""
    plain = re.sub(r"[^\w.-]+", "-", name).strip(".-")
    return plain.encode("utf-8")[:most].decode("utf-8", "ignore") or "genre"


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

    found = list_runs(folder)
    if as_json:
        show_json([each.to_json() for each in found])
    elif not found:
        raise GenvaeError(f"There are no runs in {folder}. `genvae train` makes one; --run pretrained is always there.")
    else:
        heads = ("run", "state", "model", "genres", "clips", "steps", "minutes", "loss", "distance dB")
        show_table(heads, [_row(each) for each in found])


def _row(run: RunSummary) -> list[str]:
    if run.problem:
        return [run.path, run.problem, *[""] * 7]
    numbers = (run.clips, run.steps, run.minutes, run.loss, run.distance_db)
    state = "trained" if run.finished else "unfinished"
    told = ["" if number is None else f"{number:.5g}" for number in numbers]
    return [run.path, state, run.model, ", ".join(run.genres), *told]
