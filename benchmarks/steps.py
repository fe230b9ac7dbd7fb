"""Measures how far spectrograms move from frame to frame, within a `flow-vae`'s patches and from one to the next.

    OMP_NUM_THREADS=1 python benchmarks/steps.py STORE [RUN]

Writes the table of docs/models.md. STORE is the one that RUN, by default the pretrained one, was trained on. Training
clips are brought through more and more of the model, and new ones are drawn; the vocoder comes after the last of
either. A real spectrogram moves as much from any frame to the next. The numbers are shares of what real clips have.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from models import table, write
from torch import Tensor

from genvae.audio.limiter import limited
from genvae.clips.store import ClipStore
from genvae.metrics.sampling import choose
from genvae.pipeline import Pipeline
from genvae.plugin.registry import installed
from genvae.pretrained import pretrained_run
from genvae.run import Run
from genvae.synthesis.synthesizer import item_generator
from genvae_plugins.models.flow_vae import FlowVAE

BANDS = ((0.3, 2.0), (2.0, 8.0))  # kHz
HEADS = ("", *(f"{low:g} to {high:g} kHz, {where}" for low, high in BANDS for where in ("within", "border")))
REAL, LAST, NEW = "real clips", "codes, detail and painter", "generated"


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("run", type=Path, nargs="?", default=pretrained_run())
    parser.add_argument("--clips", type=int, default=60, help="of each genre")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    pipeline = Run(asked.run).load(installed())
    rows = table(HEADS, step_rows(pipeline, ClipStore.open(asked.store), asked.clips))
    of = "" if asked.run == pretrained_run() else " RUN"
    write(
        "steps", f"`python benchmarks/steps.py STORE{of} --clips {asked.clips}`, torch {torch.__version__}:\n\n{rows}"
    )


@torch.no_grad()
def step_rows(pipeline: Pipeline, store: ClipStore, count: int) -> Iterator[list[str]]:
    """A row for real clips, one for each stage of the model, and one for new clips."""
    pipeline.eval()
    model = pipeline.model
    if not isinstance(model, FlowVAE):
        sys.exit(f"The run's model is {pipeline.config.model.plugin}, and only flow-vae has patches.")
    sets: dict[str, list[Tensor]] = {}
    for label, genre in enumerate(pipeline.config.genres):
        numbers = choose(store, np.intersect1d(store.select(split="train"), store.select(genre=genre)), count)
        generator, labels = item_generator(0, f"steps {genre}", 0), torch.full((len(numbers),), label)
        features = pipeline.features(torch.from_numpy(store.waves(numbers)))
        latents = pipeline.prior.sample(labels, generator=generator)
        stages = {
            REAL: features,
            **model.stages(features, labels, generator=generator),
            NEW: model.decode(latents, labels, generator=generator),
        }
        for name, made in stages.items():
            sets.setdefault(name, []).append(made)
            if name in (LAST, NEW):
                waves = pipeline.sound(made, length=pipeline.config.clip_samples, generator=generator)
                heard = pipeline.features(limited(waves, pipeline.config.sample_rate))
                sets.setdefault(f"{name}; then vocoder and front end", []).append(heard)
    steps = {name: sizes(torch.cat(made), pipeline, model.patches.size) for name, made in sets.items()}
    for name, own in list(steps.items())[1:]:
        yield [name, *(f"{100 * ours / real:.0f} %" for ours, real in zip(own, steps[REAL], strict=True))]


def sizes(features: Tensor, pipeline: Pipeline, size: int) -> list[float]:
    """Root mean squares of the steps of features [B, bins, frames], for each band and kind of place."""
    steps = features.diff(dim=2)
    border = torch.arange(1, features.shape[2]) % size == 0
    bins, nyquist = features.shape[1], pipeline.config.sample_rate / 2000
    made = []
    for low, high in BANDS:
        band = steps[:, round(low / nyquist * (bins - 1)) : round(high / nyquist * (bins - 1))]
        made += [float(band[..., where].square().mean().sqrt()) for where in (~border, border)]
    return made


if __name__ == "__main__":
    main()
