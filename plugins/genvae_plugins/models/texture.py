"""Texture: the noise of a log-magnitude spectrogram, with the correlations that overlapping frames give it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genvae import windows
from genvae.spec import FeatureSpec


class Texture(nn.Module):
    """Draws from a Gaussian's mean and spread with noise that looks like what a magnitude spectrogram of noise has.

    Of Gaussian noise the STFT is complex Gaussian, so its log-magnitude is the logarithm of a Rayleigh variable: skewed
    towards small values, and alike in neighbouring bins and frames as far as windows overlap. Independent Gaussian
    values have neither trait, and no waveform has such a spectrogram. For features other than log-magnitudes of an
    STFT, the noise is independent.

    Args:
        amount: how much of the spread is drawn, 0 to 1.
    """

    window: Tensor

    def __init__(self, spec: FeatureSpec, amount: float) -> None:
        super().__init__()
        self.spec, self.amount = spec, amount
        self.is_stft = spec.kind == "magnitude" and spec.scale == "log" and spec.window in windows.NAMES
        if self.is_stft:
            self.register_buffer("window", windows.of(spec), persistent=False)

    def forward(self, mean: Tensor, log_scale: Tensor, generator: torch.Generator | None) -> Tensor:
        """Mean and log standard deviation [B, bins, frames] -> a draw; without a generator the mean."""
        if generator is None or self.amount == 0:
            return mean
        return mean + self.amount * log_scale.exp() * self.noise(mean.shape, generator)

    def noise(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """Noise of mean 0 and variance 1 for features of a shape [B, bins, frames], on the generator's device."""
        device = generator.device
        if not self.is_stft:
            return torch.randn(shape, generator=generator, device=device)
        n_fft, hop = self.spec.n_fft, self.spec.hop
        samples = n_fft + (shape[2] - 1) * hop
        noise = torch.randn(shape[0], samples, generator=generator, device=device)
        spectrum = torch.stft(noise, n_fft, hop, window=self.window, center=False, return_complex=True)
        level = spectrum.abs().clamp_min(1e-6).log()  # [B, bins, frames]
        return (level - LOG_RAYLEIGH_MEAN - 0.5 * self.window.square().sum().log()) / LOG_RAYLEIGH_STD

    def roughness(self, bins: int) -> float:
        """The mean of |x[t - 1] - 2 x[t] + x[t + 1]| over time in noise of variance 1."""
        noise = self.noise(torch.Size((1, bins, ROUGHNESS_FRAMES)), torch.Generator().manual_seed(0))
        return float(noise.diff(n=2, dim=2).abs().mean())


ROUGHNESS_FRAMES = 1000  # that the roughness is measured on; with some 500 bins it is then known to a hundredth
LOG_RAYLEIGH_MEAN = -0.5772156649015329 / 2  # of log |X|, X complex Gaussian with E |X|^2 = 1: -gamma / 2
LOG_RAYLEIGH_STD = 0.6412749150809321  # pi / sqrt(24)
