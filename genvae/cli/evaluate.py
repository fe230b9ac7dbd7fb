"""`genvae evaluate`: how good a run's clips are, beside real ones and baselines."""

from __future__ import annotations

from pathlib import Path

import click

from genvae.cli.completion import complete_runs
from genvae.cli.numbers import Number, Whole
from genvae.cli.output import show_json, show_path, show_table
from genvae.cli.places import PLACE
from genvae.errors import OptionError


@click.command()
@click.argument(
    "run_path", required=False, metavar="[RUN]", type=click.Path(path_type=Path), shell_complete=complete_runs
)
@click.option(
    "--store",
    "store_path",
    type=PLACE,
    help="The store that the run was trained on, for its unseen recordings.",
)
@click.option(
    "--generated",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Measure the sound files in DIR/GENRE/ in place of new clips of the run.",
)
@click.option(
    "--baseline",
    "baseline_path",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="A run for a row to compare with, such as reference-vae with the same budget.",
)
@click.option(
    "--candidates",
    type=Whole(min=1),
    default=1,
    metavar="K",
    help="A row of clips each of which is the best of K.",
)
@click.option(
    "--worst",
    "worst_path",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the generated clips that are farthest from real ones there, and say why.",
)
@click.option(
    "--seconds",
    type=Number(min=2),
    metavar="S",
    help="Also measure whether sounds of so many seconds hold together.",
)
@click.option("--clips", type=Whole(min=2), default=120, show_default=True, help="Clips of each genre.")
@click.option(
    "--seed",
    type=Whole(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Of the clips, and of what is drawn to measure them.",
)
@click.option(
    "--critic",
    "only_critic",
    is_flag=True,
    help="Measure nothing; write what genvae generate --candidates chooses by.",
)
@click.option("--json", "as_json", is_flag=True, help="All numbers as JSON.")
def evaluate(
    run_path: Path | None,
    store_path: Path | None,
    folder: Path | None,
    baseline_path: Path | None,
    candidates: int,
    worst_path: Path | None,
    seconds: float | None,
    clips: int,
    seed: int,
    only_critic: bool,
    as_json: bool,
) -> None:
    """Measure RUN, by default the pretrained one.

    The clips that it makes are compared with real ones of recordings that it never saw: do they sound like their
    genre, are they as sharp and as varied, are they new? Real clips on their way through the run show where it loses.
    docs/evaluation.md says what each number means. It takes some minutes.

    \b
    genvae evaluate --store store
    genvae evaluate run --store store --baseline reference-run --json
    genvae evaluate run --store store --worst worst --seconds 8
    """
    from genvae.verbs import evaluate as measure
    from genvae.verbs import make_critic

    if store_path is None:
        raise OptionError(
            "Name the store that the run was trained on with --store: what it makes is compared with the "
            "recordings of it that were kept for validation."
        )
    if only_critic:
        path = make_critic(run_path, store_path)
        if as_json:
            show_json({"path": str(path)})
        else:
            show_path(path)
        return
    table = measure(
        run_path,
        store_path,
        clips=clips,
        seed=seed,
        generated=folder,
        baseline=baseline_path,
        candidates=candidates,
        seconds=seconds,
        worst=worst_path,
    )
    if as_json:
        show_json(table)
        return
    for number, each in enumerate(table.tables):
        if number:
            click.echo()
        click.echo(each.title)
        show_table(each.heads, each.rows)
