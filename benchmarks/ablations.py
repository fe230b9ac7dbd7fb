"""Takes one thing at a time from `flow-vae`, trains it for as many steps, and writes the table of docs/models.md.

    OMP_NUM_THREADS=1 python benchmarks/ablations.py STORE FOLDER --steps 800

A run that FOLDER holds already is measured as it is, so that what was stopped goes on. Every row has the same seed, the
prior `local`, and the same steps, which cost about the same; the numbers are those of `genvae evaluate`.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from models import HEADS, cells, names, table, write
from torch import Tensor

import genvae
from genvae.clips.store import ClipStore
from genvae.metrics.comparison import default_members
from genvae.metrics.evaluation import REAL, Evaluation
from genvae.metrics.stages import generated
from genvae.pipeline import PartConfig
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer
from genvae_plugins.models.detail import Detail
from genvae_plugins.models.patches import Patches

MODEL = "genvae_plugins.models.flow_vae"


@dataclass(frozen=True)
class Ablation:
    """What is taken away.

    Attributes:
        options: of the training; those of a model that is trained already where `run` names one.
        patches: objects by their names in the code, and what stands in place of each.
        run: whose weights it takes; None for its own.
    """

    options: dict[str, Any] = field(default_factory=dict)
    patches: dict[str, Any] = field(default_factory=dict)
    run: str | None = None


def noise_of_the_whole_error(self: Detail, codes: Tensor, patches: Patches, generator: torch.Generator) -> Tensor:
    """In place of `Detail.draw`: all that the mean leaves over is taken for noise, as if nothing in it were tone."""
    mean, log_error, _ = self(codes, patches)
    drawn: Tensor = self.texture(mean, log_error, generator)
    return drawn


WHOLE = "all of it"
ABLATIONS = {
    WHOLE: Ablation(),
    "codes of equal weight at all frequencies": Ablation(patches={f"{MODEL}.EAR_HZ": math.inf}),
    "64 numbers a code in place of 128": Ablation({"model.components": 64}),
    "latents of 290 nats in place of 100": Ablation({"model.nats": 290.0}),
    "flow told latents as if they were exact": Ablation(
        {"model.latent_noise": 0.0}, {f"{MODEL}.MOST_LATENT_NOISE": 0.0}
    ),
    "flow not scaled by the codes' deviations": Ablation({"model.preconditioned": False}),
    "weights of the last step, not averaged": Ablation({"train.ema": 0.0}),
    "noise of all that the mean leaves over": Ablation(
        patches={"genvae_plugins.models.detail.Detail.draw": noise_of_the_whole_error}, run=WHOLE
    ),
    "no noise": Ablation({"model.texture": 0.0}, run=WHOLE),
}


def main() -> None:
    """Train what is missing, measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=800, help="of training, 32 clips each")
    parser.add_argument("--clips", type=int, default=120, help="of each genre")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    store = ClipStore.open(asked.store)
    for name, ablation in ABLATIONS.items():
        if ablation.run is None:
            trained(name, ablation, store, asked.folder, asked.steps)
    evaluation = Evaluation(
        Run(folder_of(asked.folder, WHOLE)), installed(), store, members=default_members(), clips=asked.clips
    )
    rows = table(("flow-vae", *HEADS), measured(evaluation, asked.folder))
    said = f"`python benchmarks/ablations.py STORE FOLDER --steps {asked.steps} --clips {asked.clips}`"
    write("ablations", f"{said}, torch {torch.__version__}, one thread; by {names(evaluation.judge)}:\n\n{rows}")


def folder_of(folder: Path, name: str) -> Path:
    """Where an ablation's run is."""
    return folder / "".join(letter if letter.isalnum() else "-" for letter in name)


def replaced(ablation: Ablation) -> ExitStack:
    """Puts its patches in place until it is closed."""
    stack = ExitStack()
    for name, value in ablation.patches.items():
        stack.enter_context(mock.patch(name, value))
    return stack


def trained(name: str, ablation: Ablation, store: ClipStore, folder: Path, steps: int) -> None:
    """Train unless it is there."""
    run = folder_of(folder, name)
    if run.exists() and Run(run).finished:
        return
    options = {"train.batch_size": 32, "train.precision": "32-true", **ablation.options}
    with replaced(ablation):
        if run.exists():
            genvae.train(store, run, steps=steps, resume=True)
        else:
            genvae.train(store, run, steps=steps, prior="local", options=options)


def changed(run: Run, folder: Path, options: dict[str, Any]) -> Run:
    """A run in that folder with other options of the model and the same weights."""
    registry = installed()
    pipeline = run.load(registry)
    part = run.config.model
    own = {name.removeprefix("model."): value for name, value in options.items()}
    config = replace(run.config, model=PartConfig.of(registry, "model", part.name, {**part.options, **own}))
    other = Run.create(folder, config, asdict(pipeline.transform.spec), run.training, run.data)
    other.save_weights(pipeline)
    return other


def measured(evaluation: Evaluation, folder: Path) -> Iterator[list[str]]:
    """A row for real clips, and one for each ablation."""
    yield [REAL, *cells(evaluation.row(REAL).rating)]
    for name, ablation in ABLATIONS.items():
        with replaced(ablation), tempfile.TemporaryDirectory() as made:
            run = Run(folder_of(folder, ablation.run or name))
            if ablation.run is not None:
                run = changed(run, Path(made) / "run", ablation.options)
            synthesizer = Synthesizer(run, installed())
            sets = {genre: generated(synthesizer, genre, evaluation.judge.clips, 0) for genre in evaluation.genres}
            evaluation.sources[name] = lambda sets=sets: sets  # type: ignore[misc]  # the row's own
            yield [name, *cells(evaluation.row(name).rating)]


if __name__ == "__main__":
    main()
