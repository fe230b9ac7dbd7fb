"""`genvae verify`: whether a run, a clip store or a generated file is as it was written."""

from __future__ import annotations

from pathlib import Path

import click

from genvae.cli.output import say, show_json
from genvae.cli.places import PLACE
from genvae.errors import AudioError, GenvaeError, RunError, StoreError
from genvae.places import is_remote
from genvae.text import printable


@click.command()
@click.argument("path", type=PLACE)
@click.option("--run", "run_path", type=click.Path(path_type=Path), help="Run that made a file.  [default: pretrained]")
@click.option("--json", "as_json", is_flag=True, help="What is damaged, as JSON.")
def verify(path: Path, run_path: Path | None, as_json: bool) -> None:
    """Read PATH whole, and say what is damaged: a run, a clip store, or a file made by genvae generate.

    Files of a run are compared with its seal, clips of a store with the digests of their shards, a generated file with
    what its run makes once more.

    \b
    genvae verify store
    genvae verify run
    genvae verify clip.wav --run run
    """
    from genvae.run import Run
    from genvae.verbs import verify as find_damage

    damaged = find_damage(path, run_path)
    if as_json:
        show_json({"path": str(path), "damaged": damaged})
    elif damaged:
        for what in damaged:
            click.echo(printable(what))
    if damaged:
        raise _refusal(path)(f"{path} is damaged.")
    if not is_remote(path) and (path / "pipeline.json").is_file() and not Run(path).sealed:
        say(f"{path} has no seal, as older versions wrote runs: whether it is damaged can't be told.")
    else:
        say(f"{path} is as it was written.")


def _refusal(path: Path) -> type[GenvaeError]:
    if is_remote(path):
        return StoreError
    if path.is_file():
        return AudioError
    return RunError if (path / "pipeline.json").is_file() else StoreError
