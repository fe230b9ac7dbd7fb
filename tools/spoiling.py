"""Spoils clips as models, vocoders and careless noise do, each more or less: what the embedder learns to hear.

Works on the natural logarithm of an STFT's magnitudes, [bins, frames], and on waveforms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

KINDS = (
    "blurred in time",
    "blurred in frequency",
    "few components",
    "filled valleys",
    "wobble",
    "smeared attacks",
    "flattened",
    "blended",
    "wrong phases",
)
PATCH = 4  # frames of which components are taken, at several offsets
_RAYLEIGH_MEAN, _RAYLEIGH_STD = -0.5772156649015329 / 2, 0.6412749150809321  # of the logarithm of noise's magnitude


@dataclass(frozen=True)
class Components:
    """Principal components of patches of PATCH frames.

    Attributes:
        mean: [PATCH * bins].
        directions: [components, PATCH * bins], of most variance first.
    """

    mean: Tensor
    directions: Tensor

    @classmethod
    def of(cls, spectrograms: Tensor, most: int) -> Components:
        """Measure them on spectrograms [N, bins, frames]."""
        patches = _patches(spectrograms).flatten(0, 1)
        mean = patches.mean(dim=0)
        covariance = torch.cov((patches - mean).T)
        _, vectors = torch.linalg.eigh(covariance)
        return cls(mean, vectors[:, -most:].T.flip(0).contiguous())

    def project(self, level: Tensor, count: int) -> Tensor:
        """A spectrogram [bins, frames] from so many components of each patch."""
        some = self.directions[:count]
        patches = _patches(level[None])[0]  # [length, PATCH * bins]
        kept = (patches - self.mean) @ some.T @ some + self.mean
        return kept.reshape(-1, level.shape[0]).T[:, : level.shape[1]]


def spoil(level: Tensor, other: Tensor, kind: str, much: float, components: Components, seed: int) -> Tensor:
    """Spoil log-magnitudes [bins, frames] in one of KINDS but the last, from hardly (0) to badly (1).

    Args:
        other: another clip of the genre, to blend with.
        seed: of what is drawn.
    """
    generator = torch.Generator().manual_seed(seed)
    if kind == "blurred in time":
        return _smoothed(level, 0.5 + 3.5 * much)
    if kind == "blurred in frequency":
        return _smoothed(level.T, 0.5 + 3.5 * much).T
    if kind == "few components":
        most = len(components.directions)
        return components.project(level, round(most * (8 / most) ** much))
    if kind == "filled valleys":
        # Noise with the clip's own envelope, from 40 to 6 dB below it.
        envelope = _smoothed((2 * level).exp().T, 12.0).T.clamp_min(1e-12).log() / 2
        noise = envelope + (-40 + 34 * much) / 8.686 + _RAYLEIGH_STD * _noise(level.shape, generator)
        return torch.logaddexp(2 * level, 2 * noise) / 2
    if kind == "wobble":
        return level + (0.1 + 0.9 * much) * _RAYLEIGH_STD * _noise(level.shape, generator)
    if kind == "smeared attacks":
        reach = 1 + 7 * much  # frames to a tenth of the power, in both directions
        lags = torch.arange(-24, 25).abs()
        kernel = torch.exp(-2.3 * lags / reach)
        power = F.conv1d((2 * level).exp()[:, None], (kernel / kernel.sum())[None, None], padding=24)[:, 0]
        return power.clamp_min(1e-12).log() / 2
    if kind == "flattened":
        return level + (0.1 + 0.4 * much) * (level.mean(dim=1, keepdim=True) - level)
    if kind == "blended":
        return level.lerp(other, 0.1 + 0.4 * much)
    raise ValueError(f"there is no way {kind!r} to spoil magnitudes")


def wrong_phases(wave: Tensor, much: float, seed: int, n_fft: int = 1024) -> Tensor:
    """Turn the phases of a waveform [samples] in every bin and frame by up to a part of half a turn."""
    generator = torch.Generator().manual_seed(seed)
    window = torch.hann_window(n_fft)
    spectrum = torch.stft(wave, n_fft, n_fft // 4, window=window, return_complex=True)
    turn = math.pi * (0.15 + 0.85 * much) * (2 * torch.rand(spectrum.shape, generator=generator) - 1)
    return torch.istft(
        spectrum * torch.polar(torch.ones_like(turn), turn), n_fft, n_fft // 4, window=window, length=len(wave)
    )


def _smoothed(values: Tensor, width: float) -> Tensor:
    """Values [rows, length] averaged along the second axis by a Gaussian of that standard deviation."""
    reach = math.ceil(3 * width)
    lags = torch.arange(-reach, reach + 1)
    kernel = torch.exp(-0.5 * (lags / width) ** 2)
    padded = F.pad(values[:, None], (reach, reach), mode="replicate")
    return F.conv1d(padded, (kernel / kernel.sum())[None, None])[:, 0]


def _noise(shape: torch.Size, generator: torch.Generator) -> Tensor:
    """What the log-magnitudes of white noise look like under windows that overlap by three quarters; unit variance."""
    bins, frames = shape
    n_fft = 2 * (bins - 1)
    hop = n_fft // 4
    samples = torch.randn(n_fft + (frames - 1) * hop, generator=generator)
    window = torch.hann_window(n_fft)
    spectrum = torch.stft(samples, n_fft, hop, window=window, center=False, return_complex=True).abs()
    level = (spectrum / window.square().sum().sqrt()).clamp_min(1e-6).log()
    return (level - _RAYLEIGH_MEAN) / _RAYLEIGH_STD


def _patches(level: Tensor) -> Tensor:
    """Spectrograms [N, bins, frames] -> patches [N, length, PATCH * bins]; the last frame is repeated to fill one."""
    filled = F.pad(level, (0, -level.shape[2] % PATCH), mode="replicate")
    return filled.mT.reshape(len(level), -1, PATCH * level.shape[1])
