"""Texture: the noise of a log-magnitude spectrogram, with the correlations that overlapping frames give it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genvae import windows
from genvae.spec import FeatureSpec


class Texture(nn.Module):
    """Draws noise of mean 0 and variance 1 that looks like what a magnitude spectrogram of noise has.

    Of Gaussian noise the STFT is complex Gaussian, so its log-magnitude is the logarithm of a Rayleigh variable: skewed
    towards small values, and alike in neighbouring bins and frames as far as windows overlap. Independent Gaussian
    values have neither trait, and no waveform has such a spectrogram. For features other than log-magnitudes of an
    STFT, the noise is independent.
    """

    window: Tensor

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__()
        self.spec = spec
        self.is_stft = spec.kind == "magnitude" and spec.scale == "log" and spec.window in windows.NAMES
        if self.is_stft:
            self.register_buffer("window", windows.of(spec), persistent=False)

    def forward(self, like: Tensor, generator: torch.Generator) -> Tensor:
        """Draw for features of the shape of `like`, [B, bins, frames]."""
        if not self.is_stft:
            return torch.randn(like.shape, generator=generator, device=like.device)
        n_fft, hop, frames = self.spec.n_fft, self.spec.hop, like.shape[-1]
        samples = n_fft + (frames - 1) * hop
        noise = torch.randn(len(like), samples, generator=generator, device=like.device)
        spectrum = torch.stft(noise, n_fft, hop, window=self.window, center=False, return_complex=True)
        level = spectrum.abs().clamp_min(1e-6).log()  # [B, bins, frames]
        return (level - LOG_RAYLEIGH_MEAN - 0.5 * self.window.square().sum().log()) / LOG_RAYLEIGH_STD


LOG_RAYLEIGH_MEAN = -0.5772156649015329 / 2  # of log |X|, X complex Gaussian with E |X|^2 = 1: -gamma / 2
LOG_RAYLEIGH_STD = 0.6412749150809321  # pi / sqrt(24)
