"""`genvae map`: where a run's training clips lie in its latent space, on a plane."""

from __future__ import annotations

from pathlib import Path

import click

from genvae.cli.completion import complete_runs
from genvae.cli.numbers import Whole
from genvae.cli.output import say, show_json, show_path
from genvae.cli.places import PLACE


@click.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path), shell_complete=complete_runs)
@click.option(
    "--method",
    type=click.Choice(["pca", "umap"]),
    default="pca",
    show_default=True,
    help="The plane in which the clips vary most, or UMAP, which keeps neighbours together.",
)
@click.option(
    "--store",
    type=PLACE,
    help="The store that the run was trained on, for a run without latents of its clips.",
)
@click.option("--seed", type=Whole(0, 2**31 - 1), default=0, show_default=True, help="Of UMAP.")
@click.option("--json", "as_json", is_flag=True, help="Say what was made as JSON.")
def map(run_path: Path, method: str, store: Path | None, seed: int, as_json: bool) -> None:
    """Project the training clips of RUN to 2-D, and keep the map in the run as map.safetensors.

    `genvae train` makes the PCA map at its end. UMAP takes a minute or two for 20,000 clips. A run keeps one map of
    either kind; `genvae plot latent` draws it, and the page of `genvae serve` plays it.

    \b
    genvae map run --method umap
    """
    from genvae.verbs import make_map, open_run

    run = open_run(run_path)
    latent_map = make_map(run, method, store=store, seed=seed)
    counts = {genre: int((latent_map.genre == index).sum()) for index, genre in enumerate(run.config.genres)}
    if as_json:
        explained = None if latent_map.explained is None else list(latent_map.explained)
        show_json({"path": str(run.map_path), "method": method, "seed": seed, "clips": counts, "explained": explained})
        return
    show_path(run.map_path)
    note = (
        ""
        if latent_map.explained is None
        else " The axes hold {:.1%} and {:.1%} of the variance.".format(*latent_map.explained)
    )
    say(f"{sum(counts.values())} clips.{note}")
