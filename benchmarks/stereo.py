"""What a second channel would cost: processor time and bytes of each step for one and for two.

    python benchmarks/stereo.py

Two channels go through the front end and the vocoder as two rows, and through the model as twice as many bins (mid
above side), which is the least that a contract with a channel axis could do. Times are the best of some rounds on one
thread. For docs/architecture.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from genvae.interfaces.training_step import TrainingStep
from genvae.plugin.registry import installed

RATE = 22050  # Hz; clips have a second
CLIPS = 16
ROUNDS = 3


def best(call: Callable[[], object]) -> float:
    """The least processor time of some rounds, in seconds, after one to warm up."""
    call()
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return min(times)


def step(registry_model: str, bins: int) -> Callable[[], object]:
    """One training step of a model on noise of so many bins."""
    registry = installed()
    n_fft = 2 * (bins - 1)
    spec = registry.make("transform", "genvae:stft", {"n_fft": n_fft, "hop": 256}, sample_rate=RATE).spec
    frames = spec.frames(RATE)
    model = registry.make("model", registry_model, {}, spec=spec, frames=frames, genres=("a", "b"))
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(CLIPS, bins, frames, generator=generator)
    model.fit([features] * 4)
    genre = torch.arange(CLIPS) % 2
    handed = TrainingStep(model.optimizers(), torch.autograd.backward, model.loss, generator)
    model.train()
    return lambda: model.training_step(features, genre, handed)


def main() -> None:
    torch.set_num_threads(1)
    registry = installed()
    stft = registry.make("transform", "genvae:stft", sample_rate=RATE)
    vocoder = registry.make("vocoder", "genvae:pghi-refined", spec=stft.spec)
    waves = 0.1 * torch.randn(2 * CLIPS, RATE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        spectra = stft.invert(stft(waves))
    bins = stft.spec.bins
    rows = {
        "bytes of a clip in a store": (2.0 * RATE, 4.0 * RATE),
        f"front end, ms for {CLIPS} clips": (best(lambda: stft(waves[:CLIPS])), best(lambda: stft(waves))),
        f"flow-vae, ms for a step of {CLIPS} clips": (
            best(step("genvae:flow-vae", bins)),
            best(step("genvae:flow-vae", 2 * bins)),
        ),
        "pghi-refined, ms for a clip": (
            best(lambda: vocoder(spectra[:1], length=RATE)),
            best(lambda: vocoder(spectra[:2], length=RATE)),
        ),
    }
    print("| what | mono | two channels | times |\n|---|---|---|---|")
    for what, (one, two) in rows.items():
        scale = 1e3 if "ms" in what else 1.0
        print(f"| {what} | {one * scale:,.0f} | {two * scale:,.0f} | {two / one:.2f} |", flush=True)


if __name__ == "__main__":
    main()
