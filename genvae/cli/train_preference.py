"""`genvae train-preference`: a run whose prior prefers latents that make good clips."""

from __future__ import annotations

from pathlib import Path

import click

from genvae.cli.completion import complete_runs
from genvae.cli.numbers import Whole
from genvae.cli.output import show_path
from genvae.cli.places import PLACE


@click.command()
@click.argument("store", type=PLACE)
@click.option(
    "--for",
    "source",
    type=click.Path(path_type=Path),
    shell_complete=complete_runs,
    metavar="RUN|pretrained",
    help="Trained run whose latents are judged.  [default: pretrained]",
)
@click.option("--run", "run_path", type=click.Path(path_type=Path), required=True, help="Folder of the run to make.")
@click.option("--draws", type=Whole(min=2, max=64), default=4, show_default=True, help="Latents of which one is taken.")
@click.option(
    "--clips", type=Whole(min=10), default=1200, show_default=True, help="Clips of each genre that are made and heard."
)
@click.option("--seed", type=Whole(0, 2**63 - 1), default=0, show_default=True, help="Of all that is drawn.")
def train_preference(store: Path, source: Path | None, run_path: Path, draws: int, clips: int, seed: int) -> None:
    """Teach a run's prior which latents make good clips, and write a run that has it and all other parts.

    STORE is the one that the run was trained on. The run makes clips, a critic hears them, and the prior learns to
    guess from a latent what the critic will say. Of several draws it then gives the one that it likes best, at no cost
    in time. Training a run further makes it forget.

    \b
    genvae train-preference store --for run --run better
    genvae generate --run better --genre piano
    """
    from genvae.verbs import train_preference as teach

    teach(store, run_path, source=source, draws=draws, clips=clips, seed=seed)
    show_path(run_path)
