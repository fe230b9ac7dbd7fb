"""Speed of a training step: clips a second, the fraction of the processor's peak, and what the loader takes of it.

    OMP_NUM_THREADS=1 python benchmarks/training.py STORE [--rounds 3]

STORE is a clip store. A step of genvae is what its loop does with a batch: features, loss, backward pass, optimiser.
Its peer is a plain PyTorch loop over the same network in the default memory layout, with torch.optim.Adam and
features by torch.stft. Operations are those that torch's flop counter counts, the peak is that of a float32 matrix
product of 2048 x 2048, measured in the same rounds. One thread, processor time, medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from genvae import Transform
from genvae.api import TrainingStep
from genvae.clips.store import ClipStore
from genvae.pipeline import Pipeline, PipelineConfig
from genvae.registry import installed
from genvae.training.data import load

BATCHES = {"conv-vae": 64, "reference-vae": 8}


def pipeline(model: str, store: ClipStore) -> Pipeline:
    torch.manual_seed(0)
    config = PipelineConfig.assemble(installed(), sample_rate=store.sample_rate, clip_samples=store.clip_samples,
                                     genres=store.genres, plugins={"model": model})  # fmt: skip
    return Pipeline.build(config, installed())


def genvae_step(parts: Pipeline) -> Callable[[Tensor, Tensor], object]:
    """What genvae's loop does with a batch of waves [B, samples] and genres [B]."""
    optimizers = parts.model.optimizers()
    generator = torch.Generator().manual_seed(0)
    step = TrainingStep(optimizers, lambda loss: loss.backward(), parts.model.loss, generator)

    def run(waves: Tensor, genres: Tensor) -> object:
        with torch.no_grad():
            features = parts.transform(waves)
        return parts.model.training_step(features, genres, step)

    return run


def plain_step(parts: Pipeline) -> Callable[[Tensor, Tensor], object]:
    """A plain loop over the same network."""
    model = parts.model.to(memory_format=torch.contiguous_format)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    generator = torch.Generator().manual_seed(0)

    def run(waves: Tensor, genres: Tensor) -> object:
        features = plain_features(parts.transform, waves)
        optimizer.zero_grad()
        loss = model.loss(features, genres, generator=generator)["loss"]
        loss.backward()
        optimizer.step()
        return loss

    return run


def plain_features(transform: Transform, waves: Tensor) -> Tensor:
    """Log magnitudes [B, bins, frames] by torch.stft."""
    spec = transform.spec
    window = torch.hann_window(spec.n_fft)
    made = torch.stft(waves, spec.n_fft, spec.hop, window=window, pad_mode="constant", return_complex=True)
    return (made.abs() + 1e-3).log()


def operations(step: Callable[[Tensor, Tensor], object], waves: Tensor, genres: Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        step(waves, genres)
    return int(counter.get_total_flops())


def seconds_of(call: Callable[[], object]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    store = ClipStore.open(chosen.store)
    numbers = np.random.default_rng(0).permutation(store.select(split="train"))
    square = torch.randn(2048, 2048)
    print("| model | GFLOP a clip | loop | clips/s | of the peak | to plain | loader, of a step |")
    print("|---|---|---|---|---|---|---|")
    for model, size in BATCHES.items():
        batch = numbers[:size]
        waves, genres = load(store, batch)
        steps = {"genvae": genvae_step(pipeline(model, store)), "plain PyTorch": plain_step(pipeline(model, store))}
        work = operations(steps["genvae"], waves, genres)
        steps["plain PyTorch"](waves, genres)
        taken: dict[str, list[float]] = {}
        for _ in range(chosen.rounds):
            taken.setdefault("peak", []).append(seconds_of(lambda: square @ square))
            for name, step in steps.items():
                taken.setdefault(name, []).append(seconds_of(partial(step, waves, genres)))
            taken.setdefault("loader", []).append(seconds_of(partial(load, store, batch)))
        middle = {name: statistics.median(values) for name, values in taken.items()}
        peak = 2 * 2048**3 / middle["peak"]
        for name in steps:
            print(f"| {model} | {work / size / 1e9:.2f} | {name} | {size / middle[name]:.1f} "
                  f"| {work / middle[name] / peak:.0%} | {middle['plain PyTorch'] / middle[name]:.2f} "
                  f"| {middle['loader'] / middle[name]:.1%} |", flush=True)  # fmt: skip
        print(f"\npeak {peak / 1e9:.0f} GFLOP/s\n", flush=True)


if __name__ == "__main__":
    main()
