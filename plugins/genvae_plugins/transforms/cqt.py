"""The `cqt` transform: log magnitudes of bins that are equally spaced in pitch, and a rough way back to the STFT's."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from genvae import FeatureSpec, windows
from genvae.errors import OptionError
from genvae_plugins.transforms import CqtOptions
from genvae_plugins.transforms.logarithm import LogTransform
from genvae_plugins.transforms.pitch import power_matrix
from genvae_plugins.transforms.spectrum import full_scale, log_magnitude_spec


def frequencies(options: CqtOptions) -> list[float]:
    """The centre of each bin in Hz."""
    return [options.f_min * 2 ** (k / options.bins_per_octave) for k in range(options.bins)]


def lengths(options: CqtOptions, sample_rate: int) -> list[int]:
    """The samples in each bin's window: Brown, Calculation of a Constant Q Spectral Transform, 1991, equation 4.

    The quality is Q = 1 / (2^(1 / bins_per_octave) - 1), so a window holds Q periods of its bin.
    """
    quality = 1 / (2 ** (1 / options.bins_per_octave) - 1)
    return [math.ceil(quality * sample_rate / frequency) for frequency in frequencies(options)]


class Cqt(LogTransform):
    """log(magnitude + floor) of each bin and frame, scaled; see `LogTransform`. Differentiable.

    Each frame is multiplied with windowed complex sinusoids, as in Brown 1991, with windows of sum 1, scaled by the
    root of their samples. The bins of an octave are computed together, over frames no longer than they need, so the
    high ones cost little. Windows are centred on multiples of the hop, over a signal padded with zeros.

    `invert` is exact. `magnitudes` is not: see there.

    Raises:
        OptionError: the highest bin lies beyond half of the sample rate.
    """

    to_power: Tensor
    magnitude_floor: Tensor

    def __init__(self, options: CqtOptions, *, sample_rate: int) -> None:
        centres, samples = frequencies(options), lengths(options, sample_rate)
        if centres[-1] > sample_rate / 2:
            raise OptionError(
                f"transform: the highest of {options.bins} bins, at {centres[-1]:.0f} Hz, lies beyond "
                f"half of the sample rate, {sample_rate / 2} Hz; lower bins or f_min."
            )
        full = torch.tensor(samples, dtype=torch.float64).sqrt() / 2
        super().__init__(options, sample_rate=sample_rate, full_scale=full)
        self.spec = FeatureSpec(
            kind="cqt",
            bins=options.bins,
            sample_rate=sample_rate,
            n_fft=samples[0],
            hop=options.hop,
            window=options.window,
            scale="log",
            f_min=centres[0],
            f_max=centres[-1],
        )
        self.magnitude_spec = log_magnitude_spec(options, sample_rate)
        self.octaves = 0
        for first in range(0, options.bins, options.bins_per_octave):
            last = min(first + options.bins_per_octave, options.bins)
            kernels = _kernels(centres[first:last], samples[first:last], sample_rate, options.window)
            self.register_buffer(f"kernels{self.octaves}", kernels, persistent=False)
            self.octaves += 1
        window = windows.of(self.magnitude_spec)
        energies = torch.stack([count * _envelope(options.window, count).square().sum() for count in samples])
        matrix = power_matrix(
            torch.tensor(centres, dtype=torch.float64), energies, window.double(), self.magnitude_spec
        )
        self.register_buffer("to_power", matrix.float(), persistent=False)
        floor = full_scale(window) * 10 ** (-options.range_db / 20)
        self.register_buffer("magnitude_floor", floor.float(), persistent=False)

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> magnitudes [B, bins, frames]."""
        parts = []
        for octave in range(self.octaves):
            kernels = self.get_buffer(f"kernels{octave}")  # [2 * bins of the octave, 1, width]
            half = kernels.shape[2] // 2
            padded = functional.pad(wave, (half, half)).unsqueeze(1)
            real, imaginary = functional.conv1d(padded, kernels, stride=self.spec.hop).chunk(2, dim=1)
            parts.append(torch.complex(real, imaginary).abs())
        return torch.cat(parts, dim=1)

    def magnitudes(self, spectrogram: Tensor) -> Tensor:
        """Log magnitudes [B, bins, frames] -> about those of an STFT [B, n_fft // 2 + 1, frames], not below its floor.

        See `power_matrix`. What lies outside the bins' range is silent; detail is lost where one of the two transforms
        is coarser than the other, in frequency above some hundred Hz, in time below.
        """
        power = self.to_power @ (2 * spectrogram.to(self.to_power.dtype)).exp()
        return 0.5 * power.clamp_min(self.magnitude_floor.square()).log()


def _kernels(centres: list[float], samples: list[int], sample_rate: int, window: str) -> Tensor:
    """Real, then imaginary parts of the kernels of some bins, the lowest first: [2 * bins, 1, width], width even."""
    half = -(-samples[0] // 2)
    kernels = torch.zeros(len(centres), 2 * half, dtype=torch.complex128)
    for row, centre, count in zip(kernels, centres, samples, strict=True):
        first = -(-count // 2)  # samples before the middle
        time = torch.arange(-first, count - first, dtype=torch.float64)
        envelope = math.sqrt(count) * _envelope(window, count)
        row[half - first : half - first + count] = torch.polar(envelope, -2 * math.pi * centre / sample_rate * time)
    return torch.cat([kernels.real, kernels.imag]).float().unsqueeze(1)


def _envelope(window: str, samples: int) -> Tensor:
    """A window of sum 1, float64 [samples]."""
    envelope = windows.make(window, samples).double()
    return envelope / envelope.sum()
