"""The `complex` transform: spectra with their phases, whose inverse is exact."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from genvae import FeatureSpec, Transform, windows
from genvae_plugins.transforms import ComplexOptions
from genvae_plugins.transforms.logarithm import LogTransform
from genvae_plugins.transforms.scaling import ScaledTransform
from genvae_plugins.transforms.spectrum import full_scale, spectrum


def complex_spec(options: ComplexOptions, sample_rate: int) -> FeatureSpec:
    """The spec of the spectra that options describe, in either representation."""
    return FeatureSpec(
        kind="complex",
        bins=2 * (options.n_fft // 2 + 1),
        sample_rate=sample_rate,
        n_fft=options.n_fft,
        hop=options.hop,
        window=options.window,
        scale="linear",
    )


class Rectangular(ScaledTransform):
    """Features are the real parts of the spectrum, then its imaginary parts, scaled. Differentiable."""

    window: Tensor

    def __init__(self, options: ComplexOptions, *, sample_rate: int) -> None:
        spec = complex_spec(options, sample_rate)
        window = windows.of(spec)
        most = float(full_scale(window))
        low = torch.full((spec.bins,), -most)
        super().__init__(options, sample_rate=sample_rate, low=low, span=2 * most)
        self.spec = spec
        self.register_buffer("window", window, persistent=False)

    def measure(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> real and imaginary parts [B, bins, frames]."""
        return _parts(spectrum(wave, self.window, self.spec.hop))

    def invert(self, features: Tensor) -> Tensor:
        """Features [B, bins, frames] -> the real parts, then the imaginary parts, of the same shape."""
        return self.unscale(features)


class Polar(LogTransform):
    """Features are log magnitudes, scaled, then phases, whose turn of -pi..pi becomes -1..1 (or 0..1 by `unit`).

    Where the magnitude is 0 the phase is 0. The statistics are of the magnitudes alone. Differentiable, though at
    phases of pi features jump.
    """

    window: Tensor

    def __init__(self, options: ComplexOptions, *, sample_rate: int) -> None:
        spec = complex_spec(options, sample_rate)
        window = windows.of(spec)
        super().__init__(options, sample_rate=sample_rate, full_scale=full_scale(window).expand(spec.bins // 2))
        self.spec = spec
        self.register_buffer("window", window, persistent=False)

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> magnitudes [B, n_fft // 2 + 1, frames]."""
        return spectrum(wave, self.window, self.spec.hop).abs()

    def forward(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> features [B, bins, frames]."""
        values = spectrum(wave.to(self.window.dtype), self.window, self.spec.hop)
        phase = values.angle() / math.pi
        return torch.cat([self.scale(self.to_log(values.abs())), (phase + 1) / 2 if self.unit else phase], dim=1)

    def invert(self, features: Tensor) -> Tensor:
        """Features [B, bins, frames] -> the real parts, then the imaginary parts, of the same shape."""
        level, phase = features.to(self.window.dtype).chunk(2, dim=1)
        turn = math.pi * (2 * phase - 1 if self.unit else phase)
        return _parts(torch.polar(super().invert(level).exp(), turn))


class Complex(Transform):
    """Spectra in the representation that the options name; see `Rectangular` and `Polar`."""

    def __init__(self, options: ComplexOptions, *, sample_rate: int) -> None:
        super().__init__(options, sample_rate=sample_rate)
        kinds: dict[str, type[Rectangular | Polar]] = {"real-imaginary": Rectangular, "magnitude-phase": Polar}
        self.form = kinds[options.representation](options, sample_rate=sample_rate)
        self.spec = self.form.spec

    def fit(self, waves: Iterable[Tensor]) -> None:
        """Learn the scaling from batches of training waveforms [B, samples]."""
        self.form.fit(waves)

    def forward(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> features [B, bins, frames]."""
        features: Tensor = self.form(wave)
        return features

    def invert(self, features: Tensor) -> Tensor:
        """Features [B, bins, frames] -> the real parts, then the imaginary parts, of the same shape."""
        return self.form.invert(features)


def _parts(values: Tensor) -> Tensor:
    """Complex [B, bins, frames] -> [B, 2 * bins, frames]."""
    return torch.cat([values.real, values.imag], dim=1)
