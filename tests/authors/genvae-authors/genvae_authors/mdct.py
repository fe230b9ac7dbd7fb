"""The modified discrete cosine transform, and its inverse as a vocoder.

Princen, Johnson & Bradley, Subband/Transform Coding Using Filter Bank Designs Based on Time Domain Aliasing
Cancellation, 1987. Frames of 2 * hop samples, windowed by a sine, give hop coefficients each.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

import genvae

KIND = "mdct"


def basis(hop: int) -> Tensor:
    """What the frames are multiplied with, window and all: orthonormal over overlapping frames, [hop, 2 * hop]."""
    time, bins = torch.arange(2 * hop, dtype=torch.float64), torch.arange(hop, dtype=torch.float64)
    window = torch.sin(math.pi * (time + 0.5) / (2 * hop))
    angles = math.pi / hop * (bins[:, None] + 0.5) * (time + 0.5 + hop / 2)
    return (math.sqrt(2 / hop) * window * torch.cos(angles)).float()


class Mdct(genvae.Transform):
    """Coefficients [hop, frames], divided by their root mean square in the training clips."""

    basis: Tensor
    scale: Tensor

    def __init__(self, options: object, *, sample_rate: int) -> None:
        super().__init__(options, sample_rate=sample_rate)
        hop: int = options.hop  # type: ignore[attr-defined]
        self.spec = genvae.FeatureSpec(
            kind=KIND,
            bins=hop,
            sample_rate=sample_rate,
            n_fft=2 * hop,
            hop=hop,
            window="sine",
            scale="linear",  # type: ignore[arg-type]
        )
        self.register_buffer("basis", basis(hop), persistent=False)
        self.register_buffer("scale", torch.tensor(0.1))

    def fit(self, waves: Iterable[Tensor]) -> None:
        """Measure the coefficients' root mean square."""
        squares = [self._coefficients(wave).square().mean() for wave in waves]
        self.scale.copy_(torch.stack(squares).mean().sqrt().clamp_min(1e-6))

    def forward(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> [B, hop, frames]."""
        return self._coefficients(wave) / self.scale

    def invert(self, features: Tensor) -> Tensor:
        """The coefficients themselves, [B, hop, frames]."""
        return features * self.scale

    def _coefficients(self, wave: Tensor) -> Tensor:
        hop = self.spec.hop
        padded = nn.functional.pad(wave, (hop, hop))  # frames are centred
        frames = padded.unfold(1, 2 * hop, hop)[:, : self.spec.frames(wave.shape[1])]  # [B, frames, 2 * hop]
        return (frames @ self.basis.to(wave).T).transpose(1, 2)


class InverseMdct(genvae.Vocoder):
    """Frames added where they overlap, whose aliasing cancels; behind the middle of the last one it does not."""

    basis: Tensor

    def __init__(self, options: object, *, spec: genvae.FeatureSpec) -> None:
        super().__init__(options, spec=spec)
        spec.require("imdct", kind=KIND, scale="linear", window="sine", bins=spec.hop)
        self.register_buffer("basis", basis(spec.hop), persistent=False)

    def forward(
        self, spectrogram: Tensor, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Coefficients [B, hop, frames] -> waveforms [B, length]."""
        batch, hop, frames = spectrogram.shape
        length = self.spec.samples(frames) if length is None else length
        halves = (spectrogram.transpose(1, 2) @ self.basis).view(batch, frames, 2, hop)
        wave = nn.functional.pad(halves[:, :, 0], (0, 0, 0, 1)) + nn.functional.pad(halves[:, :, 1], (0, 0, 1, 0))
        wave = wave.flatten(1)[:, hop:]  # from the middle of the first frame on, [B, frames * hop]
        return nn.functional.pad(wave, (0, length - wave.shape[1]))
