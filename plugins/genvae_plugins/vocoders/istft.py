"""The `istft` vocoder: the least-squares waveform of complex spectra, which brings their phases with them.

Griffin & Lim, Signal Estimation from Modified Short-Time Fourier Transform, 1984, equation 6.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from genvae import FeatureSpec, Vocoder, windows
from genvae_plugins.vocoders.frames import Frames


class Istft(Vocoder):
    """Inverse short-time Fourier transform for batches on any device; differentiable; exact for spectra of a sound."""

    window: Tensor

    def __init__(self, options: Any, *, spec: FeatureSpec) -> None:
        super().__init__(options, spec=spec)
        bins = 2 * (spec.n_fft // 2 + 1)
        spec.require("istft", kind="complex", scale="linear", window=windows.NAMES, bins=bins)
        self.register_buffer("window", windows.of(spec), persistent=False)

    def forward(
        self, spectrogram: Tensor, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Real parts, then imaginary parts [B, 2 * bins, frames] -> waveform [B, length]; nothing is drawn."""
        frames = Frames(self.spec, self.window, spectrogram.shape[2], length)
        real, imaginary = spectrogram.to(self.window.dtype).transpose(1, 2).chunk(2, dim=2)
        return frames.trim(frames.synthesise(torch.complex(real.contiguous(), imaginary.contiguous())))
