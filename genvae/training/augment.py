"""The augmentations at work: functions of waveforms [B, samples], each clip with draws of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from genvae.training.augmentations import Chosen

Function = Callable[[Tensor, Tensor, float, torch.Generator], Tensor]
"""Of waves [B, samples], genres [B], the amount, and the generator of all draws."""


def augment(waves: Tensor, genres: Tensor, chosen: Iterable[Chosen], *, generator: torch.Generator) -> Tensor:
    """Waves [B, samples] after each of some augmentations in turn, within ±1.

    Args:
        waves: [B, samples] in ±1; they are left as they are.
        genres: [B].
        chosen: what to do.
        generator: of all draws, on the waves' device.
    """
    for each in chosen:
        waves = _FUNCTIONS[each.name](waves, genres, each.amount, generator)
    return waves / waves.abs().amax(1, keepdim=True).clamp_min(1.0)


def _gain(waves: Tensor, genres: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    decibels = amount * (2 * _uniform(waves, generator) - 1)
    return waves * _amplitude(decibels)


def _polarity(waves: Tensor, genres: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    return torch.where(_uniform(waves, generator) < 0.5, -waves, waves)


def _roll(waves: Tensor, genres: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    samples = waves.shape[1]
    starts = (amount * samples * _uniform(waves, generator)).long()  # [B, 1]
    return waves.gather(1, (torch.arange(samples, device=waves.device) + starts) % samples)


def _tilt(waves: Tensor, genres: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    slopes = amount * (2 * _uniform(waves, generator) - 1)  # dB an octave, [B, 1]
    spectra = torch.fft.rfft(waves)
    octaves = torch.arange(spectra.shape[1], device=waves.device).clamp_min(1).log2()
    tilted: Tensor = torch.fft.irfft(spectra * _amplitude(slopes * (octaves - octaves.mean())), n=waves.shape[1])
    return tilted * _level(waves) / _level(tilted)


def _noise(waves: Tensor, genres: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    noise = torch.randn(waves.shape, generator=generator, device=waves.device)
    return waves + noise * _level(waves) * 10 ** (amount / 20) * _uniform(waves, generator)


def _mix(waves: Tensor, genres: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    others = torch.zeros_like(waves)
    for genre in range(int(genres.max()) + 1):
        own = (genres == genre).nonzero()[:, 0]
        own = own[torch.randperm(len(own), generator=generator, device=waves.device)]
        if len(own) > 1:  # each gets the one before it, in a circle
            others[own] = waves[own.roll(1)]
    others = others * _level(waves) / _level(others)
    return waves + others * 10 ** (amount / 20) * _uniform(waves, generator)


def _uniform(waves: Tensor, generator: torch.Generator) -> Tensor:
    """A number from 0 to 1 for each clip, [B, 1]."""
    return torch.rand(len(waves), 1, generator=generator, device=waves.device)


def _amplitude(decibels: Tensor) -> Tensor:
    return torch.exp(decibels * (math.log(10) / 20))


def _level(waves: Tensor) -> Tensor:
    """The root mean square of each clip, [B, 1], above 0."""
    return waves.square().mean(1, keepdim=True).sqrt().clamp_min(1e-8)


_FUNCTIONS: Mapping[str, Function] = {
    "gain": _gain,
    "polarity": _polarity,
    "roll": _roll,
    "tilt": _tilt,
    "noise": _noise,
    "mix": _mix,
}
