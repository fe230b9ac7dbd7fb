"""`genvae prepare`: recordings from a dataset become a store of clips."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from genvae.clips.prepare import Progress
    from genvae.interfaces.dataset import Dataset


@click.command()
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", metavar="STORE", required=True, type=click.Path(path_type=Path), help="Folder of the store.")
@click.option("--dataset", "name", default="folder", show_default=True, help="Plugin that reads SOURCE.")
@click.option("--clip-ms", default=1000, show_default=True, help="Length of a clip in milliseconds.")
@click.option("--sample-rate", default=22050, show_default=True, help="Rate of the clips in Hz.")
@click.option("--silence-db", default=-60.0, show_default=True, help="Drop clips whose peak is below this, in dBFS.")
@click.option("--validation", default=0.1, show_default=True, help="Share of the recordings to hold out.")
@click.option("--workers", type=click.IntRange(1), help="Processes that decode.  [default: one a core]")
@click.option("--set", "assignments", metavar="dataset.NAME=VALUE", multiple=True,
              help="Option of the dataset; may be repeated.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def prepare(
    sources: tuple[Path, ...],
    out: Path,
    name: str,
    clip_ms: int,
    sample_rate: int,
    silence_db: float,
    validation: float,
    workers: int | None,
    assignments: tuple[str, ...],
    as_json: bool,
) -> None:
    """Chop the recordings of every SOURCE into clips and write them to STORE.

    A SOURCE is a folder that holds one folder of recordings for each genre, unless --dataset says otherwise;
    `genvae plugins list --kind dataset` tells what it takes.

    Run it again after adding recordings, or after it was interrupted: only what is missing is done.

    \b
    genvae prepare music/ --out store
    genvae prepare list.csv --out store --dataset manifest
    genvae prepare any-name --out store --dataset synthetic --set dataset.recordings=2
    """
    from genvae.clips.prepare import prepare as prepare_store
    from genvae.clips.report import table
    from genvae.clips.work import Settings
    from genvae.errors import GenvaeError
    from genvae.plugin import options
    from genvae.plugin.guard import guarded
    from genvae.plugin.registry import installed, load_factory

    plugin = installed().plugin("dataset", name)
    chosen = options.build(plugin.options, options.parse_assignments(assignments, ["dataset"])["dataset"], where=name)
    factory = load_factory(plugin)
    with guarded(f"The dataset {name!r} could not be made"):
        datasets: list[Dataset] = [factory(chosen, source) for source in sources]
    settings = Settings(
        dataset=plugin.name, sample_rate=sample_rate, clip_ms=clip_ms, silence_db=silence_db, validation=validation
    )
    stopped = signal.SIGINT

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = signal.Signals(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        with _progress() as progress:
            prepared = prepare_store(datasets, out, settings, workers=workers, progress=progress)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends in a moment; a second Ctrl-C can't make that shorter
        click.echo("\nInterrupted. What is done stays; run the same command again to go on.", err=True)
        click.get_current_context().exit(128 + stopped)
    finally:
        signal.signal(signal.SIGTERM, before)
    removed = "".join(f"\n  {printable(each)}" for each in prepared.removed)
    if removed:
        click.echo(f"No longer in the sources, so taken out:{removed}", err=True)
    click.echo(json.dumps(prepared.report, indent=2) if as_json else table(prepared.report))
    if not prepared.report["clips"]["kept"]:
        raise GenvaeError("No clip could be kept; the report says why.")
    if not as_json:
        done = "Prepared" if prepared.decoded or removed else "Nothing to do for"
        click.echo(f"{done} {printable(str(out))}", err=True)


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A bar with the time that is left, on stderr; nothing when that is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    bar = Progress(*columns, TextColumn("{task.description}"), console=Console(stderr=True))
    with bar:
        task = bar.add_task("", total=None)

        def show(done: int, total: int, last: str) -> None:
            bar.update(task, completed=done, total=total, description=escape(printable(last)[-40:]))

        yield show
