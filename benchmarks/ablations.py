"""Takes from `flow-vae` or adds to it one thing at a time, trains it, and writes the table of docs/models.md.

    OMP_NUM_THREADS=1 python benchmarks/ablations.py STORE FOLDER --steps 2000

A run that FOLDER holds already is measured as it is, so that what was stopped goes on. Every row has the same seed, the
prior `local`, and the same steps, which cost about the same; the numbers are those of `genvae evaluate`. All are small,
so that steps are quick and many.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch.nn.functional as F
from models import HEADS, cells, names, table, write
from scipy.optimize import linear_sum_assignment
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
from genvae_plugins.flow_matching import noise_for
from genvae_plugins.models.detail import Detail
from genvae_plugins.models.flow_vae import FlowVAE, Told
from genvae_plugins.models.patches import Patches

MODEL, FLOW = "genvae_plugins.models.flow_vae", "genvae_plugins.flow_matching"
MUON = "torch.optim._muon"
SIZE = {"model.width": 128, "model.depth": 4}
WORSE_WITHOUT, AWAY = 2, 1.5  # the block that a worse self lacks, and how far from it


guided, scaled_dot_product_attention = FlowVAE._guided, F.scaled_dot_product_attention


@dataclass(frozen=True)
class Ablation:
    """What is taken away, or added.

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


def paired_noise(data: Tensor, generator: torch.Generator | None) -> Tensor:
    """In place of `noise_for`: the ways of a batch are the shortest in all (Tong et al., Improving and Generalizing
    Flow-Based Generative Models with Minibatch Optimal Transport, 2024, section 3.3)."""
    noise = noise_for(data, generator)
    _, order = linear_sum_assignment(torch.cdist(data.flatten(1), noise.flatten(1)).numpy())
    return noise[torch.from_numpy(order)]


def attended(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """In place of attention: queries and keys of unit size (Henry et al., Query-Key Normalization, 2020)."""
    q, k = (F.rms_norm(each, each.shape[-1:]) for each in (q, k))
    output: Tensor = scaled_dot_product_attention(q, k, v)
    return output


def with_muon(self: FlowVAE) -> list[torch.optim.Optimizer]:
    """In place of one AdamW: Muon for the matrices of the transformers' blocks (Jordan et al., Muon, 2024)."""
    matrices = [weight for name, weight in self.named_parameters() if ".blocks." in name and name.endswith("weight")]
    named = {id(weight) for weight in matrices}
    others = [weight for weight in self.parameters() if id(weight) not in named]
    rate = self.options.learning_rate
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=rate, betas=(0.9, 0.99), fused=True),
    ]


def orthogonalised(gradient: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float) -> Tensor:
    """In place of Muon's own, the same in float32: bfloat16 is slow on a CPU without instructions for it."""
    a, b, c = coefficients
    wide: Tensor = gradient.mT if gradient.shape[0] > gradient.shape[1] else gradient
    wide = wide / wide.norm().clamp(min=eps)
    for _ in range(steps):
        gram = wide @ wide.mT
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return wide.mT if gradient.shape[0] > gradient.shape[1] else wide


def away_from_a_worse_self(self: FlowVAE, x: Tensor, time: Tensor, mean: Tensor, z: Tensor, told: Told) -> Tensor:
    """In place of the flow's velocity: away from that of a flow that lacks a block (Karras et al., Guiding a Diffusion
    Model with a Bad Version of Itself, 2024; Hyung et al., Spatiotemporal Skip Guidance, 2025)."""
    own = guided(self, x, time, mean, z, told)
    blocks = self.flow.blocks
    self.flow.blocks = torch.nn.ModuleList(block for number, block in enumerate(blocks) if number != WORSE_WITHOUT)
    worse = guided(self, x, time, mean, z, told)
    self.flow.blocks = blocks
    return worse + AWAY * (own - worse)


class LoudnessApart(Patches):
    """In place of `Patches`: the last number of every code is the clip's level, and the others are of the rest."""

    @torch.no_grad()
    def fit(self, batches: Iterable[Tensor], weight: Tensor | None = None) -> None:
        """Measure principal components of features [B, bins, frames] less their levels, and how levels vary."""
        levels: list[Tensor] = []
        super().fit((self.apart(features, levels) for features in batches), weight)
        unit = torch.cat(levels).std() / self.deviation[0]
        self.mean += torch.cat(levels).mean()
        self.deviation[-1] = self.deviation[0]
        self.basis[:, -1], self.analysis[:, -1] = unit, 0.0

    def apart(self, features: Tensor, levels: list[Tensor]) -> Tensor:
        """Features less their levels, which join the list."""
        levels.append(features.mean((1, 2)))
        return features - levels[-1][:, None, None]

    def encode(self, features: Tensor) -> Tensor:
        """Features [B, bins, frames] -> codes [B, length, components]."""
        level = (self.cut(features) - self.mean).mean((1, 2))[:, None, None]
        codes = super().encode(features - level)
        codes[..., -1:] = level / self.basis[0, -1]
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        """Codes -> features; levels are averaged over the places."""
        level = codes[..., -1:].mean(1, keepdim=True).expand_as(codes[..., -1:])
        return super().decode(torch.cat([codes[..., :-1], level], dim=2))


WHOLE = "all of it"
ABLATIONS = {
    WHOLE: Ablation(),
    "codes of equal weight at all frequencies": Ablation(patches={f"{MODEL}.EAR_HZ": math.inf}),
    "64 numbers a code in place of 128": Ablation({"model.components": 64}),
    "256 numbers a code in place of 128": Ablation({"model.components": 256}),
    "latents of 290 nats in place of 100": Ablation({"model.nats": 290.0}),
    "flow told latents as if they were exact": Ablation(
        {"model.latent_noise": 0.0}, {f"{MODEL}.MOST_LATENT_NOISE": 0.0}
    ),
    "flow not scaled by the codes' deviations": Ablation({"model.preconditioned": False}),
    "weights of the last step, not averaged": Ablation({"train.ema": 0.0}),
    "loudness apart from the rest": Ablation(patches={f"{MODEL}.Patches": LoudnessApart}),
    "times drawn evenly": Ablation(patches={f"{FLOW}.times": lambda quantile: quantile}),
    "ways paired by optimal transport": Ablation(patches={f"{FLOW}.noise_for": paired_noise}),
    "queries and keys of unit size": Ablation(patches={"torch.nn.functional.scaled_dot_product_attention": attended}),
    "Muon for the matrices": Ablation(
        patches={f"{MODEL}.FlowVAE.optimizers": with_muon, f"{MUON}._zeropower_via_newtonschulz": orthogonalised}
    ),
    "away from a worse self": Ablation(patches={f"{MODEL}.FlowVAE._guided": away_from_a_worse_self}, run=WHOLE),
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
    parser.add_argument("--steps", type=int, default=2000, help="of training, 32 clips each")
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
    options = {"train.batch_size": 32, "train.precision": "32-true", **SIZE, **ablation.options}
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
    yield [REAL, *cells(evaluation.judge.rate_embeddings(evaluation.hear(REAL)))]
    for name, ablation in ABLATIONS.items():
        with replaced(ablation), tempfile.TemporaryDirectory() as made:
            run = Run(folder_of(folder, ablation.run or name))
            if ablation.run is not None:
                run = changed(run, Path(made) / "run", ablation.options)
            synthesizer = Synthesizer(run, installed())
            sets = {genre: generated(synthesizer, genre, evaluation.judge.clips, 0) for genre in evaluation.genres}
            evaluation.sources[name] = lambda sets=sets: sets  # type: ignore[misc]  # the row's own
            yield [name, *cells(evaluation.judge.rate_embeddings(evaluation.hear(name)))]


if __name__ == "__main__":
    main()
