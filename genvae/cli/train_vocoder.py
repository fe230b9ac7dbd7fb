"""`genvae train-vocoder`: a vocoder that learns, trained for a run."""

from __future__ import annotations

from pathlib import Path

import click

from genvae.cli.completion import complete_parts, complete_runs
from genvae.cli.numbers import Number, Whole
from genvae.cli.train import Training, is_first, tell_of_end, tell_of_interruption


@click.command(cls=Training, epilog="Options of the vocoder, for --set: `genvae plugins show NAME` lists them.")
@click.argument("store", type=click.Path(path_type=Path))
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
    "--vocoder", shell_complete=complete_parts, help="Vocoder that learns.  [default: the run's own, which goes on]"
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="SECTION.NAME=VALUE",
    help="Option of the vocoder or the training, such as train.batch_size=16; may be repeated.",
)
@click.option("--minutes", type=Number(), help="Train for so many minutes, validation and all.  [default: 30]")
@click.option("--epochs", type=Number(), help="Train for so many passes over the clips.")
@click.option("--steps", type=Whole(), help="Train for so many batches.")
@click.option("--seed", type=Whole(0, 2**31 - 1), help="Of all that is drawn.  [default: 0]")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="What to train on.",
)
@click.option("--resume", is_flag=True, help="Continue a run that was stopped, with its own options.")
def train_vocoder(
    store: Path,
    source: Path | None,
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
