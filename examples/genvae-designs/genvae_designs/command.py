"""`genvae designs`: pictures of a run of `design-vae`, and how good they are."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.errors import GenvaeError
from genvae.files import write_whole

if TYPE_CHECKING:
    from genvae_designs.studio import Studio

run_argument = click.argument("run", type=click.Path(path_type=Path))
genre_option = click.option("--genre", help="Kind of design; by default the run's first.")


@click.group()
def designs() -> None:
    """Make, compare and measure designs with a run of the model design-vae.

    \b
    genvae designs generate RUN --count 8 --seed 1 -o designs/
    genvae designs grid RUN -o grid.png
    genvae designs strip RUN --from 1 --to 2 -o way.gif
    genvae designs score RUN STORE
    """


@designs.command()
@run_argument
@genre_option
@click.option("--count", type=click.IntRange(1), default=1, show_default=True, help="Number of designs.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Same seed and run, same designs. By default random.")
@click.option(
    "--temperature",
    type=click.FloatRange(0, 100),
    default=1.0,
    show_default=True,
    help="Below 1 more typical, above 1 more unusual.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path(), help="Folder of the PNG files.")
def generate(run: Path, genre: str | None, count: int, seed: int | None, temperature: float, output: Path) -> None:
    """New designs as PNG files; what made each stands in its text chunk `genvae`."""
    studio = _studio(run)
    seed = secrets.randbelow(2**31) if seed is None else seed
    kind = studio.genre(genre)
    output.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        path = output / f"{kind}-s{seed}-{index:03d}.png"
        write_whole(path, studio.png(*studio.generate(kind, seed, index, temperature)))
        click.echo(path)


@designs.command()
@run_argument
@genre_option
@click.option("--axes", nargs=2, type=click.IntRange(1), default=(1, 2), show_default=True, help="Latents, from 1.")
@click.option("--cells", type=click.IntRange(2, 40), default=9, show_default=True, help="Designs on a side.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("grid.png"), show_default=True)
def grid(run: Path, genre: str | None, axes: tuple[int, int], cells: int, output: Path) -> None:
    """The decoder over a plane of two latents, as one picture; the others stay at their mean."""
    studio = _studio(run)
    if axes[0] == axes[1] or max(axes) > studio.latent_dim:
        raise GenvaeError(f"--axes takes two different numbers from 1 to {studio.latent_dim}.")
    write_whole(output, studio.png(studio.grid(studio.genre(genre), axes[0] - 1, axes[1] - 1, cells)))
    click.echo(output)


@designs.command()
@run_argument
@genre_option
@click.option("--from", "start", type=click.IntRange(0), required=True, help="Seed of the first design.")
@click.option("--to", "end", type=click.IntRange(0), required=True, help="Seed of the last design.")
@click.option("--steps", type=click.IntRange(2, 200), default=9, show_default=True, help="Designs on the way.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("way.png"),
    show_default=True,
    help="A .png is a strip, a .gif moves.",
)
def strip(run: Path, genre: str | None, start: int, end: int, steps: int, output: Path) -> None:
    """The way from one design to another, on a straight line through the latent space."""
    studio = _studio(run)
    pictures = studio.way(studio.genre(genre), start, end, steps)
    write_whole(output, studio.gif(pictures) if output.suffix.lower() == ".gif" else studio.png_strip(pictures))
    click.echo(output)


@designs.command()
@run_argument
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--count", type=click.IntRange(20, 5000), default=500, show_default=True, help="Designs of each set.")
def score(run: Path, store: Path, count: int) -> None:
    """Measure a run, trained on the bottles of STORE, on bottles that it has not seen; prints JSON."""
    from genvae.clips.store import ClipStore

    click.echo(json.dumps(_studio(run).scores(ClipStore.open(store), count), indent=2))


def _studio(run: Path) -> Studio:
    from genvae_designs.studio import Studio

    return Studio(run)
