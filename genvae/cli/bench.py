"""`genvae bench`: how fast and how good this installation is on this machine, with other libraries beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.cli.numbers import Whole
from genvae.cli.output import say, show_table
from genvae.errors import DiskError, OptionError, nearest
from genvae.text import printable

if TYPE_CHECKING:
    from genvae.bench.contest import Measurement
    from genvae.bench.results import Results

_LIBRARIES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@click.command()
@click.argument("suites", metavar="[SUITE]...", nargs=-1)
@click.option(
    "--against",
    type=click.Choice(["peers"]),
    help="Measure other libraries as well: pip install 'genvae[bench]' brings them.",
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    default="cpu",
    show_default=True,
    help="What computes, in the suites that can choose.",
)
@click.option("--threads", type=Whole(1), default=1, show_default=True, help="Threads of every library.")
@click.option(
    "--sounds",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of recordings to measure on.  [default: invented music]",
)
@click.option("--run", "run_path", type=click.Path(path_type=Path), help="Run to generate with.  [default: pretrained]")
@click.option(
    "--thorough", is_flag=True, help="More batches, lengths, options and repeats; takes half an hour or more."
)
@click.option("--quick", is_flag=True, help="A few of all measurements, in less than a minute.")
@click.option(
    "--json",
    "json_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write one object a measurement to this file.",
)
@click.option(
    "--plots",
    "plots_path",
    type=click.Path(path_type=Path, file_okay=False),
    help="Draw the vocoders' quality against cost into this folder; with --thorough also cost by length and batch.",
)
@click.option(
    "--compare",
    "old_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Show what became slower since a file of --json, by ratio.",
)
def bench(
    suites: tuple[str, ...],
    against: str | None,
    device: str,
    threads: int,
    sounds: Path | None,
    run_path: Path | None,
    thorough: bool,
    quick: bool,
    json_path: Path | None,
    plots_path: Path | None,
    old_path: Path | None,
) -> None:
    """Measure SUITEs, by default all: startup, decode, prepare, stft, vocoders, train, generate, map, serve.

    The contenders of a case take turns, so that a busy machine hits all of them; told are the median and the quartiles
    of the rounds, and by how much the first raised this process's memory. Every installed plugin takes part. One that
    can't be measured stands in the table with the reason.

    \b
    genvae bench --quick
    genvae bench vocoders --against peers --sounds music/
    genvae bench --json old.json
    genvae bench stft --compare old.json
    """
    # Libraries read these when they are loaded, which is why nothing that computes is imported above.
    os.environ.update(dict.fromkeys(_LIBRARIES, str(threads)))
    from genvae.bench.harness import Conditions
    from genvae.bench.results import Results, tables
    from genvae.bench.session import Session
    from genvae.bench.suites import QUICK, SUITES
    from genvae.plugin.registry import installed

    for name in suites:
        if name not in SUITES:
            raise click.UsageError(f"There is no suite {name!r}. {nearest(name, SUITES)}")
    if quick and (suites or thorough):
        raise click.UsageError("--quick takes no SUITE and no --thorough.")
    if plots_path is not None and (quick or (suites and "vocoders" not in suites)):
        raise click.UsageError("--plots shows what the suite vocoders measures: let it run as well.")
    old = Results.read(old_path) if old_path else None
    if json_path is not None and not json_path.parent.is_dir():
        raise DiskError(f"{json_path} can't be written: there is no folder {json_path.parent}.")

    conditions = Conditions(threads=threads, device=device, peers=against == "peers", synchronize=_synchronizer(device))
    if quick:
        conditions = replace(conditions, seconds=conditions.seconds / 4, rounds=5)
    measured: list[Measurement] = []
    with _status() as status:
        status("making ready")
        session = Session(
            (QUICK,) if quick else suites or tuple(SUITES),
            installed(),
            conditions,
            sounds=sounds,
            run=run_path,
            thorough=thorough,
            status=status,
        )
        status("")
        click.echo(session.described)
        for measurements in session.measurements():
            measured += measurements
            status("")
            for table in tables(measurements):
                click.echo(f"\n{printable(f'{table.suite}: {table.case}')}")
                show_table(table.heads, table.rows)
                for note in table.notes:
                    click.echo(printable(note))
    results = Results(session.machine, measured)
    if json_path is not None:
        results.write(json_path)
        say(f"Wrote {len(measured)} measurements to {json_path}.")
    if plots_path is not None:
        from genvae.bench.plots import draw

        for path in draw(results, plots_path):
            say(f"Drew {path}.")
    if old is not None:
        _show_changes(results, old)


def _show_changes(new: Results, old: Results) -> None:
    """What became slower or faster, and what of the two runs can't be compared."""
    from genvae.bench.results import compare, number

    changes = compare(new, old)
    apart = [change for change in changes if change.apart]
    click.echo(f"\nSince {old.machine.get('date', 'then')}: {len(changes)} speeds compared, {len(apart)} differ.")
    for name in ("processor", "cores", "versions", "sounds"):
        if new.machine.get(name) != old.machine.get(name):
            say(f"The {name} differ from those of the older run, which may be why.")
    if apart:
        show_table(
            ("", "SUITE", "CASE", "CONTENDER", "METRIC", "THEN", "NOW"),
            [
                (
                    f"{change.ratio:.2f} x slower" if change.ratio > 1 else f"{1 / change.ratio:.2f} x faster",
                    change.new.suite,
                    change.new.case,
                    change.new.contender,
                    change.new.metric,
                    f"{number(change.old.value or 0)} {change.old.unit}",
                    f"{number(change.new.value or 0)} {change.new.unit}",
                )
                for change in apart
            ],
        )


def _synchronizer(device: str) -> Callable[[], object] | None:
    """What waits for a device.

    Raises:
        OptionError: there is no such device.
    """
    if device == "cpu":
        return None
    import torch

    if not torch.cuda.is_available():
        raise OptionError("--device cuda is not possible here: torch finds no GPU.")
    return torch.cuda.synchronize


@contextmanager
def _status() -> Iterator[Callable[[str], object]]:
    """A line on stderr that says what is being measured; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console
    from rich.markup import escape

    # The table goes to stdout between two cases, so the line is taken away before each.
    line = Console(stderr=True).status("")

    def show(text: str) -> None:
        if text:
            line.update(escape(text))
            line.start()
        else:
            line.stop()

    try:
        yield show
    finally:
        line.stop()
