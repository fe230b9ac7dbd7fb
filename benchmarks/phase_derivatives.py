"""Would phase come out better if a small network read its derivatives off the magnitudes, in place of a formula?

    python benchmarks/phase_derivatives.py STORE [--seconds 45] [--clips 12]

It trains a network of 7,442 weights on exact magnitudes of STORE's training clips, on the pretrained run's smooth stage
of them, and on all that the run makes of them; for so many seconds of processor time. Then phases are integrated on
validation clips, from the formula's steps, the network's, and those that the clip itself has.

Fernandez, Azcarreta, Bilen & Monge Alvarez, Efficient Neural and Numerical Methods for High-Quality Online Speech
Spectrogram Inversion via Gradient Theorem, arXiv 2505.24498, 2025: the idea, and the tridiagonal systems.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from scipy.linalg import solveh_banded
from torch import Tensor, nn
from torch.nn import functional

from genvae import windows
from genvae.bench.harness import pinned
from genvae.bench.suites.vocoders import HOP, N_FFT, convergence, spec_of
from genvae.clips.store import ClipStore
from genvae.distances import log_spectral_distance
from genvae.pipeline import Pipeline
from genvae.plugin.registry import installed
from genvae.pretrained import pretrained_run
from genvae.run import Run
from genvae_plugins.vocoders import integration_queue, phase_gradient
from genvae_plugins.vocoders.peaks import with_still_edges

RATE = 22050
SPEC = spec_of()
LEARNT_FROM = 96  # training clips
CROP, BATCH, RATE_OF_LEARNING = 24, 2, 3e-3  # frames of a clip in a step, clips of each kind
TOLERANCE = 1e-4
Result = TypeVar("Result")
Steps = tuple[Tensor, Tensor]
"""Of the phase in turns: to the next frame [B, frames - 1, bins], and to the next bin [B, frames, bins - 1]."""


class Derivatives(nn.Module):
    """Natural-log magnitudes [B, frames, bins] -> what the formula says of the steps, and a correction."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=1) for _ in range(3)])
        self.last = nn.Conv2d(channels, 2, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # so that it begins with what the formula says

    def forward(self, logs: Tensor) -> Steps:
        """The steps."""
        in_time, in_frequency = phase_gradient.steps(logs, SPEC)
        level = (logs - logs.amax((1, 2), keepdim=True)).clamp_min(-14) / 4 + 1.5
        centre = torch.arange(SPEC.bins) * HOP % N_FFT / N_FFT
        read = (functional.pad(in_time - centre, (0, 0, 0, 1)), functional.pad(in_frequency + 0.5, (0, 1)))
        values = torch.stack([level, *(each.mul(4).clamp(-2, 2) for each in read)], 1)
        values = functional.leaky_relu(self.first(values.contiguous(memory_format=torch.channels_last)), 0.1)
        for block in self.blocks:
            values = values + functional.leaky_relu(block(values), 0.1)
        corrections = self.last(values)
        return in_time + corrections[:, 0, :-1], in_frequency + corrections[:, 1, :, :-1]


def main() -> None:
    """Train, and print a table of each kind of magnitudes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--seconds", type=float, default=45.0)
    parser.add_argument("--clips", type=int, default=12)
    asked = parser.parse_args()
    with pinned(1):
        store = ClipStore.open(asked.store)
        network = trained(*made(store, "train", LEARNT_FROM), asked.seconds)
        waves, kinds = made(store, "validation", asked.clips)
        for name, logs in kinds.items():
            compare(name, logs, waves, network)


@torch.no_grad()
def made(store: ClipStore, split: str, count: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Waveforms [count, samples] and log magnitudes [count, frames, bins] of them by kind."""
    rows = np.sort(np.random.default_rng(0).choice(store.select(split=split), count, replace=False))
    waves = torch.from_numpy(store.waves(rows))
    genre = torch.from_numpy(store.index["genre"][rows].astype(np.int64))
    parts: Pipeline = Run(pretrained_run()).load(installed())
    parts.eval()
    noise = torch.Generator().manual_seed(0)
    smooth, whole = [], []
    for some, labels in zip(waves.split(16), genre.split(16), strict=True):
        features = parts.transform(some)
        stages = parts.model.stages(features, labels, generator=noise)
        smooth.append(parts.transform.invert(stages["codes and detail"]))
        latents = parts.model.encode(features, labels).mean
        whole.append(parts.transform.invert(parts.model.decode(latents, labels, generator=noise)))
    exact = spectra(waves).abs().clamp_min(1e-9).log()
    return waves, {"exact": exact, "smooth stage": torch.cat(smooth).mT, "whole model": torch.cat(whole).mT}


def spectra(waves: Tensor) -> Tensor:
    """Waveforms [B, samples] -> spectra [B, frames, bins]."""
    window = windows.of(SPEC)
    found: Tensor = torch.stft(waves, N_FFT, HOP, window=window, pad_mode="constant", return_complex=True)
    return found.mT


def true_steps(waves: Tensor) -> Steps:
    """Those that the waveforms [B, samples] have."""
    found = spectra(waves)
    in_time, in_frequency = found[:, 1:] * found[:, :-1].conj(), found[:, :, 1:] * found[:, :, :-1].conj()
    return in_time.angle() / (2 * math.pi), in_frequency.angle() / (2 * math.pi)


def loss(found: Steps, wanted: Steps, logs: Tensor) -> Tensor:
    """One less the cosine of the error, weighed by the root of both bins' magnitudes."""
    root = ((logs - logs.amax((1, 2), keepdim=True)) / 2).exp()
    weights = (root[:, 1:] * root[:, :-1], root[:, :, 1:] * root[:, :, :-1])
    apart = [1 - torch.cos(2 * math.pi * (own - aim)) for own, aim in zip(found, wanted, strict=True)]
    return torch.stack([(w * a).sum() / w.sum() for w, a in zip(weights, apart, strict=True)]).sum()


def trained(waves: Tensor, kinds: dict[str, Tensor], seconds: float) -> Derivatives:
    """A network after so many seconds of processor time, on as many clips of each kind in a step."""
    torch.manual_seed(0)
    network = Derivatives()
    optimizer = torch.optim.Adam(network.parameters())
    truth = true_steps(waves)
    began, steps = time.process_time(), 0
    while (share := (time.process_time() - began) / seconds) < 1:
        optimizer.param_groups[0]["lr"] = (
            RATE_OF_LEARNING * min(1, (steps + 1) / 100) * (1 + math.cos(math.pi * share)) / 2
        )
        parts = []
        for logs in kinds.values():
            rows, first = torch.randint(len(waves), (BATCH,)), int(torch.randint(logs.shape[1] - CROP, ()))
            crop = slice(first, first + CROP)
            wanted = (truth[0][rows, first : first + CROP - 1], truth[1][rows, crop])
            parts.append(loss(network(logs[rows, crop]), wanted, logs[rows, crop]))
        optimizer.zero_grad()
        torch.stack(parts).mean().backward()
        optimizer.step()
        steps += 1
    print(f"{sum(map(torch.numel, network.parameters()))} weights, {steps} steps of {3 * BATCH} x {CROP} frames")
    return network.eval()


@torch.no_grad()
def compare(name: str, logs: Tensor, waves: Tensor, network: Derivatives) -> None:
    """Print a table of what comes of log magnitudes [clips, frames, bins] by each way."""
    print(f"\n{name}\n\n| derivatives | integrated by | ms per second | 0 rounds, dB | to the clip, dB ", end="")
    print("| 8 rounds, dB | to the clip, dB |\n" + "|---" * 7 + "|")
    sources: dict[str, Callable[[], Steps]] = {
        "formula": lambda: phase_gradient.steps(logs, SPEC),
        "network": lambda: tuple(map(torch.cat, zip(*map(network, logs.split(1)), strict=True))),  # type: ignore[return-value]
        "the clip's own": lambda: true_steps(waves),
    }
    wanted = logs.mT.exp()
    for source, find in sources.items():
        find()  # once without the clock
        steps, reading = timed(find, len(logs))
        for integrator in (queue, tridiagonal):
            turns, walking = timed(lambda use=integrator, steps=steps: use(logs, *steps), len(logs))  # type: ignore[misc]
            cells = [source, integrator.__name__, "" if source.startswith("the") else f"{reading + walking:.1f}"]
            for rounds in (0, 8):
                vocoder = installed().make("vocoder", "pghi-refined", {"iterations": rounds}, spec=SPEC)
                sound = vocoder(logs.mT, length=RATE, initial_phase=with_still_edges(turns).mT * 2 * math.pi)
                cells += told(wanted, sound, waves)
            print(f"| {' | '.join(cells)} |", flush=True)
    for said, options in (("pghi-refined", {}), ("raar", {"iterations": 100})):
        vocoder = installed().make("vocoder", said, options, spec=SPEC)
        sound, cost = timed(lambda use=vocoder: use(logs.mT, length=RATE), len(logs))  # type: ignore[misc]
        rounds_of = f"{vocoder.options.iterations} rounds"
        print(f"| `{said}`, {rounds_of} | | {cost:.1f} | | | {' | '.join(told(wanted, sound, waves))} |", flush=True)


def told(wanted: Tensor, sound: Tensor, waves: Tensor) -> list[str]:
    """Spectral convergence, and the log-spectral distance to the clips."""
    apart = statistics.fmean(map(log_spectral_distance, waves, sound))
    return [f"{convergence(wanted, sound, SPEC):.2f}", f"{apart:.2f}"]


def timed(call: Callable[[], Result], clips: int) -> tuple[Result, float]:
    """A result, and milliseconds of processor time a clip."""
    began = time.process_time()
    result = call()
    return result, (time.process_time() - began) / clips * 1e3


def queue(logs: Tensor, in_time: Tensor, in_frequency: Tensor) -> Tensor:
    """Phases in turns, as `pghi` integrates."""
    random = torch.rand(logs.shape, generator=torch.Generator().manual_seed(0))
    clips = zip(*(each.numpy() for each in (logs, in_time, in_frequency, random)), strict=True)
    return torch.stack([torch.from_numpy(integration_queue.phases(*clip, TOLERANCE)) for clip in clips])


def tridiagonal(logs: Tensor, in_time: Tensor, in_frequency: Tensor) -> Tensor:
    """Phases in turns, frame after frame those that fit the steps from the frame before and between bins best.

    Phasors y of a frame minimise the sum of a |y - carried on from the frame before|^2 and of
    b |y of the next bin - y carried on to it|^2, a tridiagonal system; a and b are products of magnitudes.
    """
    return torch.stack([torch.from_numpy(_frames(*clip)) for clip in _phasors(logs, in_time, in_frequency)])


def _phasors(logs: Tensor, *steps: Tensor) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    turning = [np.exp(2j * np.pi * each.double().numpy()) for each in steps]
    yield from zip(logs.double().exp().numpy(), *turning, strict=True)


def _frames(magnitude: np.ndarray, onwards: np.ndarray, upwards: np.ndarray) -> np.ndarray:
    phasors = np.empty(magnitude.shape, np.complex128)
    phasors[0] = np.concatenate([[1], np.cumprod(upwards[0])])
    for now in range(1, len(magnitude)):
        level = magnitude[now]
        carried = np.exp(1j * np.angle(phasors[now - 1])) * onwards[now - 1]
        trust = np.maximum(np.minimum(level, magnitude[now - 1]) * level, 1e-3 * level**2)
        between = level[1:] * level[:-1]
        bands = np.zeros((2, len(level)), np.complex128)
        bands[0, 1:] = -between * upwards[now].conj()
        bands[1] = trust
        bands[1, 1:] += between
        bands[1, :-1] += between
        bands[1] += 1e-12 * bands[1].real.max() + 1e-20
        phasors[now] = solveh_banded(bands, trust * carried)
    return (np.angle(phasors) / (2 * np.pi)).astype(np.float32)


if __name__ == "__main__":
    main()
