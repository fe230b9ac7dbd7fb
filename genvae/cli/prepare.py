"""`genvae prepare`: recordings from a dataset become a store of clips."""

from __future__ import annotations

import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.cli.completion import complete_parts
from genvae.cli.numbers import Whole
from genvae.cli.places import PLACE

if TYPE_CHECKING:
    from types import FrameType

    Handler = Callable[[int, FrameType | None], object] | int | None

IMPATIENCE = 1.0  # seconds in which a second Ctrl-C wants the same: it would only be raised amid the tidying up


@click.command()
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True, type=PLACE)
@click.option("--out", metavar="STORE", required=True, type=PLACE, help="Folder of the store.")
@click.option(
    "--dataset",
    "name",
    shell_complete=complete_parts,
    default="genvae:folder",
    show_default="folder",
    help="Plugin that reads SOURCE.",
)
@click.option("--clip-ms", default=1000, show_default=True, help="Length of a clip in milliseconds.")
@click.option("--sample-rate", default=22050, show_default=True, help="Rate of the clips in Hz.")
@click.option("--silence-db", default=-60.0, show_default=True, help="Drop clips whose peak is below this, in dBFS.")
@click.option("--validation", default=0.1, show_default=True, help="Share of the recordings to hold out.")
@click.option(
    "--attributes",
    metavar="NAME,...",
    help="What to keep of each clip beyond its genre: loudness, tempo, or what the dataset's recordings say.",
)
@click.option("--workers", type=Whole(1), help="Processes that decode.  [default: one a core]")
@click.option("--executor", metavar="NAME", help="Who decodes in their place: local:N processes, or dask://HOST:PORT.")
@click.option("--shard", metavar="I/N", help="Only part I of N of the recordings; `genvae store merge` joins them.")
@click.option(
    "--set", "assignments", metavar="dataset.NAME=VALUE", multiple=True, help="Option of the dataset; may be repeated."
)
@click.option("--strict", is_flag=True, help="Exit with 5 if a recording is partial or skipped.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def prepare(
    sources: tuple[Path, ...],
    out: Path,
    name: str,
    clip_ms: int,
    sample_rate: int,
    silence_db: float,
    validation: float,
    attributes: str | None,
    workers: int | None,
    executor: str | None,
    shard: str | None,
    assignments: tuple[str, ...],
    strict: bool,
    as_json: bool,
) -> None:
    """Chop the recordings of every SOURCE into clips and write them to STORE.

    A SOURCE is a folder that holds one folder of recordings for each genre, unless --dataset says otherwise; `genvae
    plugins list --kind dataset` tells what it takes. SOURCE and STORE may be URLs, such as s3://bucket/store.

    Run it again after adding recordings, or after it was interrupted: only what is missing is done.

    \b
    genvae prepare music/ --out store
    genvae prepare list.csv --out store --dataset manifest
    genvae prepare music/ --out store --attributes loudness,tempo
    genvae prepare any-name --out store --dataset synthetic --set dataset.recordings=2
    genvae prepare music/ --out store --executor dask://scheduler:8786
    genvae prepare music/ --out part-1 --shard 1/4
    """
    from genvae.cli.assignments import names, parse_assignments
    from genvae.clips.report import table
    from genvae.errors import GenvaeError, PartialError
    from genvae.verbs import prepare as prepare_store

    try:
        with _signals():
            store = prepare_store(
                sources,
                out,
                dataset=name,
                options=parse_assignments(assignments, example="dataset.recordings=2"),
                sample_rate=sample_rate,
                clip_ms=clip_ms,
                silence_db=silence_db,
                validation=validation,
                attributes=names(attributes),
                workers=workers,
                executor=executor,
                shard=shard,
            )
    except KeyboardInterrupt as stopped:
        click.echo("\nInterrupted. What is done stays; run the same command again to go on.", err=True)
        click.get_current_context().exit(128 + (stopped.args[0] if stopped.args else signal.SIGINT))
    click.echo(json.dumps(store.report, indent=2) if as_json else table(store.report))
    if not len(store) and shard is None:  # a part may be empty
        raise GenvaeError("No clip could be kept; the report says why.")
    lost = store.report["recordings"]["partial"] + store.report["recordings"]["skipped"]
    if strict and lost:
        raise PartialError(f"{lost} recordings are not there whole; the report names them.")


@contextmanager
def _signals() -> Iterator[None]:
    """SIGINT and SIGTERM raise KeyboardInterrupt with their number; the next one only after some time.

    Where the block ended in it, the process is about to end, and neither disturbs it any more.
    """
    last = -math.inf

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if time.monotonic() - last > IMPATIENCE:
            last = time.monotonic()
            raise KeyboardInterrupt(number)

    heeded = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) != signal.SIG_IGN]
    before: dict[signal.Signals, Handler] = {each: signal.signal(each, stop) for each in heeded}
    try:
        yield
    except KeyboardInterrupt:
        before = dict.fromkeys(before, signal.SIG_IGN)
        raise
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
