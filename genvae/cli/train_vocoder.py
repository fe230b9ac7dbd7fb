"""`genvae train-vocoder`: a vocoder that learns, trained for a run."""

from __future__ import annotations

from pathlib import Path

import click

from genvae.cli.completion import complete_parts, complete_runs
from genvae.cli.places import PLACE
from genvae.cli.train import Training, is_first, tell_of_end, tell_of_interruption, training_options


@click.command(cls=Training, epilog="Options of the vocoder, for --set: `genvae plugins show NAME` lists them.")
@click.argument("store", type=PLACE)
@click.option(
    "--for",
    "source",
    type=click.Path(path_type=Path),
    shell_complete=complete_runs,
    metavar="RUN|pretrained",
    help="Trained run whose spectrograms the vocoder is for.  [default: pretrained]",
)
@click.option("--run", "run_path", type=click.Path(path_type=Path), required=True, help="Folder of the run to make.")
@click.option(
    "--from",
    "start",
    type=click.Path(path_type=Path),
    shell_complete=complete_runs,
    metavar="RUN|pretrained",
    help="Begin with the vocoder of a trained run; with --steps 0 it is taken as it is.",
)
@click.option(
    "--vocoder",
    shell_complete=complete_parts,
    help="Vocoder that learns.  [default: that of --from, or the run's own, which goes on]",
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="SECTION.NAME=VALUE",
    help="Option of the vocoder or the training, such as train.batch_size=16; may be repeated.",
)
@training_options
def train_vocoder(
    store: Path,
    source: Path | None,
    start: Path | None,
    run_path: Path,
    vocoder: str | None,
    assignments: tuple[str, ...],
    minutes: float | None,
    epochs: float | None,
    steps: int | None,
    seed: int | None,
    device: str,
    resume: bool,
) -> None:
    """Train a vocoder on the clips of STORE, and write a run that has it and all other parts of another run.

    The run that it is trained for stays as it is, and isn't needed any more. Stopped by Ctrl-C or SIGTERM, it writes a
    checkpoint from which --resume goes on.

    \b
    genvae train-vocoder store --for run --from pretrained --run better --steps 0
    genvae train-vocoder store --for run --vocoder mine --run with-mine --minutes 30
    genvae train-vocoder store --run with-mine --resume
    """
    from genvae.cli.assignments import parse_assignments
    from genvae.training.interrupt import Interrupted
    from genvae.verbs import train_vocoder as run_training

    try:
        run_training(
            store,
            run_path,
            source=source,
            start=start,
            vocoder=vocoder,
            minutes=minutes,
            epochs=epochs,
            steps=steps,
            options=parse_assignments(assignments),
            seed=seed,
            device=device,
            resume=resume,
            progress=is_first(),
        )
    except Interrupted as stopped:
        tell_of_interruption(stopped)
    tell_of_end(run_path)
