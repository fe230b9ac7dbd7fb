"""`genvae train`: a run from a store of clips."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from genvae.cli.completion import complete_parts, complete_runs
from genvae.cli.numbers import Number, Whole
from genvae.cli.output import printed_options
from genvae.cli.places import PLACE

if TYPE_CHECKING:
    from genvae.training.interrupt import Interrupted


class Training(click.Command):
    """A command that trains, whose help ends with the options of the training."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the epilog."""
        from genvae.training.plan import TrainOptions

        with formatter.section("Options of the training, for --set"):
            formatter.write_dl(printed_options("train", TrainOptions))
        super().format_epilog(ctx, formatter)


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the budget, the seed, the device and `--resume`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option("--minutes", type=Number(), help="Train for so many minutes, validation and all.  [default: 30]"),
    click.option("--epochs", type=Number(), help="Train for so many passes over the clips."),
    click.option("--steps", type=Whole(), help="Train for so many batches; with --from, 0 fits a prior alone."),
    click.option("--seed", type=Whole(0, 2**31 - 1), help="Of all that is drawn.  [default: 0]"),
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "cuda", "mps"]),
        default="auto",
        show_default=True,
        help="What to train on.",
    ),
    click.option("--resume", is_flag=True, help="Continue a run that was stopped, with its own options."),
)


@click.command(
    cls=Training,
    epilog="Options of the parts, for --set: `genvae plugins show NAME` lists them. Several devices: torchrun "
    "--nproc-per-node N -m -- genvae train",
)
@click.argument("store", type=PLACE)
@click.option("--run", "run_path", type=click.Path(path_type=Path), required=True, help="Folder of the run to make.")
@click.option("--model", shell_complete=complete_parts, help="Variational autoencoder.  [default: flow-vae]")
@click.option(
    "--transform", shell_complete=complete_parts, help="Front end from waveforms to features.  [default: stft]"
)
@click.option("--prior", shell_complete=complete_parts, help="Distribution over latents.  [default: local]")
@click.option(
    "--vocoder", shell_complete=complete_parts, help="Way from spectrograms to waveforms.  [default: pghi-refined]"
)
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="SECTION.NAME=VALUE",
    help="Option of a part, such as model.latent_dim=64; may be repeated.",
)
@click.option(
    "--preset",
    type=click.Choice(["quick", "default", "best"]),
    help="5, 30 or 120 minutes, with options that suit them.",
)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    shell_complete=complete_runs,
    metavar="RUN|pretrained",
    help="Begin with the weights of a trained run; genres may be others.",
)
@click.option(
    "--attributes",
    metavar="NAME,...",
    help="What the run shall know of clips beyond their genre, of what STORE keeps, such as loudness,tempo.",
)
@training_options
def train(
    store: Path,
    run_path: Path,
    model: str | None,
    transform: str | None,
    prior: str | None,
    vocoder: str | None,
    assignments: tuple[str, ...],
    minutes: float | None,
    epochs: float | None,
    steps: int | None,
    seed: int | None,
    device: str,
    resume: bool,
    preset: str | None,
    source: Path | None,
    attributes: str | None,
) -> None:
    """Train a model on the clips of STORE, as `genvae prepare` made it, and write a run that can generate.

    Stopped by Ctrl-C or SIGTERM, it writes a checkpoint from which --resume goes on.

    \b
    genvae train store --run run --minutes 30
    genvae train store --run run --resume
    genvae train store --run run --attributes loudness,tempo
    genvae train store --run mine --from pretrained --minutes 10
    genvae train store --run run2 --model reference-vae --epochs 50 --set train.batch_size=32
    """
    from genvae.cli.assignments import names, parse_assignments
    from genvae.training.interrupt import Interrupted
    from genvae.verbs import train as run_training

    try:
        run_training(
            store,
            run_path,
            minutes=minutes,
            epochs=epochs,
            steps=steps,
            preset=preset,
            transform=transform,
            model=model,
            prior=prior,
            vocoder=vocoder,
            options=parse_assignments(assignments),
            source=source,
            attributes=None if attributes is None else names(attributes),
            seed=seed,
            device=device,
            resume=resume,
            progress=is_first(),
        )
    except Interrupted as stopped:
        tell_of_interruption(stopped)
    tell_of_end(run_path)


def tell_of_interruption(stopped: Interrupted) -> NoReturn:
    """Say how to go on, and exit as a command does that a signal has ended."""
    from genvae.cli.errors import shown

    context = click.get_current_context()
    click.echo(shown(stopped, context.command), err=True)
    context.exit(128 + stopped.signal)


def tell_of_end(path: Path) -> None:
    """Say where the run is, and what to do with it."""
    from genvae.cli.errors import command_line
    from genvae.errors import Cure
    from genvae.plugin.declarations import SOUNDS
    from genvae.plugin.registry import installed
    from genvae.run import Run
    from genvae.training.vocoder_job import untrained

    if not is_first():
        return
    run = Run(path)
    click.echo(path)
    if cure := untrained(installed(), run):
        click.echo(f"Trained, but for its vocoder, which must learn too: {command_line(cure)}", err=True)
        return
    again = command_line(Cure.of("generate", run=path, genre=run.config.genres[0]))
    verb = "Hear it" if run.config.items == SOUNDS else "Generate"
    click.echo(f"Trained. {verb} with: {again}", err=True)


def is_first() -> bool:
    """Whether this is the first of the processes that torchrun started, which speaks for all."""
    return os.environ.get("RANK", "0") == "0"
