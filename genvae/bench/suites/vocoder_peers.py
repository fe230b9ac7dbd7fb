"""The vocoders of other libraries, called as their own documentation does."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from genvae import windows
from genvae.spec import FeatureSpec

Run = Callable[[Tensor], Tensor]
"""Log magnitudes [B, bins, frames] -> waveforms [B, samples]."""

_GAMMA = 0.25645  # of the Gaussian closest to a Hann window, in squared window lengths: Průša & Søndergaard 2016


def all_of(spec: FeatureSpec, samples: int, limit: int | None) -> Iterator[tuple[str, Callable[[], Run]]]:
    """Name, and what makes it; with a limit, the quicker ones, and of rounds fewer than that."""
    for rounds in (32, 64) if limit is None else ():
        yield f"librosa.griffinlim, {rounds} rounds", lambda n=rounds: librosa(spec, samples, n)  # type: ignore[misc]
    for rounds in (32, 64) if limit is None else (32,) if limit > 32 else ():
        yield f"torchaudio griffinlim, {rounds} rounds", lambda n=rounds: torchaudio(spec, samples, n)  # type: ignore[misc]
    yield "pghipy, torch.istft", lambda: pghipy(spec, samples)


def librosa(spec: FeatureSpec, samples: int, rounds: int, momentum: float = 0.99) -> Run:
    """Fast Griffin-Lim from random phases; a momentum of 0 is the method of 1984."""
    module = importlib.import_module("librosa")

    def run(logs: Tensor) -> Tensor:
        waves = [
            module.griffinlim(
                clip.exp().numpy(),
                n_iter=rounds,
                hop_length=spec.hop,
                n_fft=spec.n_fft,
                length=samples,
                pad_mode="constant",
                momentum=momentum,
                random_state=0,
            )
            for clip in logs.cpu()
        ]
        return torch.stack([torch.from_numpy(wave) for wave in waves])

    return run


def torchaudio(spec: FeatureSpec, samples: int, rounds: int, momentum: float = 0.99) -> Run:
    """Likewise."""
    functional = importlib.import_module("torchaudio.functional")

    def run(logs: Tensor) -> Tensor:
        arguments = (windows.of(spec).to(logs), spec.n_fft, spec.hop, spec.n_fft, 1.0, rounds, momentum, samples, True)
        parts = torch.split(logs, 1 if logs.device.type == "cpu" else len(logs))  # the faster way on each
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return torch.cat([functional.griffinlim(part.exp(), *arguments) for part in parts])

    return run


def pghipy(spec: FeatureSpec, samples: int) -> Run:
    """Phase gradient heap integration, and torch's inverse transform."""
    pghi = importlib.import_module("pghipy").pghi
    window = windows.of(spec)

    def run(logs: Tensor) -> Tensor:
        magnitude = logs.cpu().exp()
        phases = [
            torch.from_numpy(pghi(clip.T.contiguous().numpy(), spec.n_fft, spec.hop, _GAMMA * spec.n_fft**2, 1e-4))
            for clip in magnitude
        ]
        spectrum = torch.polar(magnitude, torch.stack(phases).float().mT)
        return torch.istft(spectrum, spec.n_fft, spec.hop, window=window, length=samples)

    return run
