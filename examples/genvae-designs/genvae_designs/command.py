"""`genvae designs`: how good a run's pictures are, and what its latents mean."""

from __future__ import annotations

import json
from pathlib import Path

import click

run_argument = click.argument("run", type=click.Path(path_type=Path))
count_option = click.option(
    "--count", type=click.IntRange(20, 5000), default=500, show_default=True, help="Bottles to measure with."
)


@click.group()
def designs() -> None:
    """Measure a run of pictures on bottles that it has not seen.

    \b
    genvae designs score RUN STORE
    genvae designs directions RUN -o directions.png
    """


@designs.command()
@run_argument
@click.argument("store", type=click.Path(path_type=Path))
@count_option
def score(run: Path, store: Path, count: int) -> None:
    """How good a run is, trained on the bottles of STORE: factors, reconstruction, distance, novelty; prints JSON."""
    from genvae import ClipStore
    from genvae_designs.measuring import Measured

    held = ClipStore.open(store)
    click.echo(json.dumps(Measured(run, count).scores(held), indent=2))


@designs.command()
@run_argument
@count_option
@click.option("--steps", type=click.IntRange(2, 40), default=7, show_default=True, help="Designs in a row.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("directions.png"), show_default=True)
def directions(run: Path, count: int, steps: int, output: Path) -> None:
    """The direction of each true factor as a row of designs; prints by name what it explains, as JSON."""
    from genvae.files import write_whole
    from genvae.png import encode_png
    from genvae_designs.items import Pictures
    from genvae_designs.measuring import Measured

    picture, explained = Measured(run, count).directions(steps)
    write_whole(output, encode_png(Pictures().show(picture)))
    click.echo(json.dumps({"path": str(output), "explained": explained}, indent=2))
