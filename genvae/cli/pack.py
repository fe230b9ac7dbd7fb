"""`genvae pack`: a run as one file, to send and to keep."""

from __future__ import annotations

from pathlib import Path

import click

from genvae.cli.completion import complete_runs
from genvae.cli.output import make_folder, say, show_json, show_path
from genvae.errors import GenvaeError


@click.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path), shell_complete=complete_runs)
@click.option(
    "-o",
    "--output",
    metavar="FILE.genvae",
    type=click.Path(path_type=Path, dir_okay=False),
    help="To write.  [default: the run's name]",
)
@click.option("--overwrite", is_flag=True, help="Write over a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as JSON.")
def pack(run_path: Path, output: Path | None, overwrite: bool, as_json: bool) -> None:
    """Write RUN as one file, which every --run takes in place of a folder.

    It is a plain zip that holds the run's files as they are; the same run gives the same bytes.

    \b
    genvae pack run -o mine.genvae
    genvae generate --run mine.genvae --genre GENRE
    """
    from genvae.run_listing import PACKED
    from genvae.verbs import open_run
    from genvae.verbs import pack as write

    run = open_run(run_path)
    target = output or Path(f"{run.path.resolve().name}{PACKED}")
    if target.suffix != PACKED:
        raise GenvaeError(f"{target} can't be written: a packed run's name ends with {PACKED}.")
    if target.exists() and not overwrite:
        raise GenvaeError(f"{target} exists. Name another place with `output`, or use --overwrite.")
    make_folder(target.parent)
    names = write(run, target)
    if as_json:
        show_json({"path": str(target), "run": run.digest(), "bytes": target.stat().st_size, "files": names})
        return
    show_path(target)
    say(f"{target.stat().st_size / 1e6:.1f} MB: {', '.join(names)}")
