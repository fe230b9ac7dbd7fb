"""Sounds, spectrograms and measures that the tests of several vocoders share."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch

from genvae import FeatureSpec, Vocoder, windows
from genvae.plugin.registry import load_factory
from genvae_plugins.vocoders import genvae_vocoders

RATE = 22050
SPEC = FeatureSpec(kind="magnitude", bins=513, sample_rate=RATE, n_fft=1024, hop=256, window="hann", scale="log")
DECLARED = {plugin.name: plugin for plugin in genvae_vocoders()}


def spec_of(n_fft: int, hop: int, window: str = "hann") -> FeatureSpec:
    return dataclasses.replace(SPEC, n_fft=n_fft, hop=hop, window=window, bins=n_fft // 2 + 1)


def make(name: str, spec: FeatureSpec = SPEC, **values: Any) -> Vocoder:
    plugin = DECLARED[name]
    vocoder: Vocoder = load_factory(plugin)(plugin.options(**values), spec=spec)
    return vocoder


def spectrum(wave: torch.Tensor, spec: FeatureSpec = SPEC) -> torch.Tensor:
    """Waveforms [B, samples] -> complex spectra [B, bins, frames]."""
    return torch.stft(
        wave, spec.n_fft, spec.hop, window=windows.of(spec), center=True, pad_mode="constant", return_complex=True
    )


def log_magnitude(wave: torch.Tensor, spec: FeatureSpec = SPEC) -> torch.Tensor:
    return (spectrum(wave, spec).abs() + 1e-5).log()


def tone(frequency: float, samples: int = RATE, amplitude: float = 0.3) -> torch.Tensor:
    time = torch.arange(samples, dtype=torch.float64) / RATE
    return (amplitude * torch.sin(2 * math.pi * frequency * time)).float()[None]


def impulse(position: int, samples: int) -> torch.Tensor:
    wave = torch.zeros(1, samples)
    wave[0, position] = 1
    return wave


def music(samples: int = 16000) -> torch.Tensor:
    """A gliding tone over two steady ones, with a burst of noise: [1, samples]."""
    time = torch.arange(samples, dtype=torch.float64) / RATE
    tones = sum(torch.sin(2 * math.pi * f * time) for f in (220, 554.4))
    glide = torch.sin(2 * math.pi * (300 * time + 600 * time.square()))
    burst = torch.randn(samples, generator=torch.Generator().manual_seed(0)) * (-((time - 0.3) / 0.02).square()).exp()
    return (0.2 * tones + 0.2 * glide + 0.2 * burst).float()[None]


def convergence_db(wanted: torch.Tensor, wave: torch.Tensor, spec: FeatureSpec = SPEC) -> float:
    """Distance of a waveform's magnitudes from wanted log magnitudes, relative to these (spectral convergence)."""
    magnitude = wanted.exp()
    return 20 * math.log10(float((magnitude - spectrum(wave, spec).abs()).norm() / magnitude.norm()))
