"""Gives the codes of a `flow-vae` more numbers: a run that makes the same sounds, ready to learn what they can say.

    python tools/widen_codes.py RUN STORE NEW --numbers 192

The numbers that are there stay as they are. The new ones are principal components of what these leave over of the
STORE's training clips. Networks that read codes begin with no heed of the new numbers, and those that write them begin
at their mean; the flow draws them as if each were independent of all else. Go on with
`genvae train STORE --run BETTER --from NEW --prior local ...`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genvae.clips.store import ClipStore
from genvae.pipeline import PartConfig, Pipeline
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae_plugins.models.flow_vae import FlowVAE
from genvae_plugins.models.patches import Patches

CLIPS, BATCH = 6400, 32  # of the store of which the training clips are looked at, and at once


def main() -> None:
    """Write the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--numbers", type=int, default=192, help="in the new run's codes")
    asked = parser.parse_args()
    source, registry = Run(asked.run), installed()
    pipeline = source.load(registry)
    part, model = source.config.model, pipeline.model
    if not isinstance(model, FlowVAE) or asked.numbers <= model.patches.components:
        sys.exit(f"{asked.run} is no flow-vae with fewer numbers than {asked.numbers} in its codes.")
    config = replace(
        source.config, model=PartConfig.of(registry, "model", part.name, {**part.options, "components": asked.numbers})
    )
    wider = Pipeline.build(config, registry)
    wider.model.load_state_dict(widened(pipeline, wider.model.state_dict(), ClipStore.open(asked.store)))
    for section in ("transform", "prior", "vocoder"):
        getattr(wider, section).load_state_dict(getattr(pipeline, section).state_dict())
    run = Run.create(asked.new, config, asdict(pipeline.transform.spec), source.training, source.data)
    run.take_from(source)
    run.save_weights(wider)
    run.seal()


@torch.no_grad()
def widened(pipeline: Pipeline, target: dict[str, Tensor], store: ClipStore) -> dict[str, Tensor]:
    """The weights of a run's model in the shapes of the wider model's `target`."""
    model = pipeline.model
    assert isinstance(model, FlowVAE)
    before, after = model.patches.components, len(target["patches.deviation"])
    more = left_over(model.patches, clips(pipeline, store), after - before, model.bin_weights())
    weights = {}
    for name, value in model.state_dict().items():
        wide = torch.zeros_like(target[name])
        if name in more:
            wide = torch.cat([value, more[name]], dim=-1)
        elif value.shape == wide.shape:
            wide = value
        elif name == "flow.enter.weight":  # it reads two codes, one after the other
            wide[:, :before], wide[:, after : after + before] = value.chunk(2, dim=1)
        elif len(value) < len(wide):
            wide[: len(value)] = value
        else:
            wide[:, :before] = value
        weights[name] = wide
    return weights


def clips(pipeline: Pipeline, store: ClipStore) -> Iterator[Tensor]:
    """Features [B, bins, frames] of training clips."""
    drawn = torch.randperm(len(store), generator=torch.Generator().manual_seed(0))[:CLIPS].numpy()
    drawn = drawn[np.isin(drawn, store.select(split="train"))]
    for first in range(0, len(drawn), BATCH):
        yield pipeline.features(torch.from_numpy(store.waves(np.sort(drawn[first : first + BATCH]))))


def left_over(patches: Patches, batches: Iterator[Tensor], count: int, weight: Tensor | None) -> dict[str, Tensor]:
    """The principal components of what codes leave over of features: so many more columns of the patches' buffers."""
    width = len(patches.mean)
    seen, total, products = 0, torch.zeros(width).double(), torch.zeros(width, width).double()
    for features in batches:
        cut = patches.cut(features).flatten(0, 1).double()
        seen, total = seen + len(cut), total + cut.sum(0)
        products.addmm_(cut.mT, cut)
    mean = total / seen
    # Scaled as by `Patches.fit`: by fourth roots of variances, times a factor for all, read off the numbers there are.
    weights = (torch.ones(patches.bins) if weight is None else weight).double().repeat(patches.size)
    covariance = (products / seen - torch.outer(mean, mean)) * torch.outer(weights, weights)
    known = torch.linalg.qr(patches.analysis.double() / weights[:, None]).Q
    factor = ((known * (covariance @ known)).sum(0) ** 0.25 / patches.deviation.double()).median()
    beside = torch.eye(width).double() - known @ known.mT
    variance, vectors = torch.linalg.eigh(beside @ covariance @ beside)  # ascending
    variance, vectors = variance.flip(0)[:count], vectors.flip(1)[:, :count]
    scale = variance**0.25 * factor
    return {
        "patches.basis": (vectors * scale / weights[:, None]).float(),
        "patches.analysis": (vectors / scale * weights[:, None]).float(),
        "patches.deviation": (variance.sqrt() / scale).float(),
    }


if __name__ == "__main__":
    main()
