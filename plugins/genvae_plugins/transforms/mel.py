"""The `mel` transform: log magnitudes in mel bands, and the way back to linear frequencies."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from genvae import FeatureSpec, windows
from genvae.errors import OptionError
from genvae_plugins.transforms import MelOptions
from genvae_plugins.transforms.filters import mel_filters
from genvae_plugins.transforms.logarithm import LogTransform
from genvae_plugins.transforms.nonnegative import solve
from genvae_plugins.transforms.spectrum import full_scale, log_magnitude_spec, spectrum


def mel_spec(options: MelOptions, sample_rate: int) -> FeatureSpec:
    """The spec of the mel bands that options describe.

    Raises:
        OptionError: a frequency lies beyond half of the sample rate.
    """
    f_max = sample_rate / 2 if options.f_max is None else options.f_max
    if not options.f_min < f_max <= sample_rate / 2:
        raise OptionError(
            f"transform: the mel bands from f_min = {options.f_min} to f_max = {f_max} Hz do not lie "
            f"below half of the sample rate, {sample_rate / 2} Hz."
        )
    return FeatureSpec(
        kind="mel",
        bins=options.n_mels,
        sample_rate=sample_rate,
        n_fft=options.n_fft,
        hop=options.hop,
        window=options.window,
        scale="log",
        f_min=options.f_min,
        f_max=f_max,
        mel=options.formula,
        mel_norm=options.norm,
    )


class Mel(LogTransform):
    """log(filters @ magnitude + floor), scaled; see `LogTransform`. Differentiable.

    The bands sum magnitudes, not powers. The floor of a band stands `range_db` below a full-scale sine where the
    filter weighs most. `invert` gives log mel magnitudes exactly; `magnitudes` gives those of the STFT by non-negative
    least squares, which can't bring back what the bands have summed; it starts from the least spectrum that has those
    bands, as a flat one in each band ends 0.5 dB further from that of music.

    Raises:
        OptionError: a frequency lies beyond half of the sample rate, or a band holds no bin of the FFT.
    """

    window: Tensor
    filters: Tensor
    estimate: Tensor
    magnitude_floor: Tensor

    def __init__(self, options: MelOptions, *, sample_rate: int) -> None:
        spec = mel_spec(options, sample_rate)
        linear = log_magnitude_spec(options, sample_rate)
        window, filters = windows.of(linear), mel_filters(spec)
        most = filters.amax(1)
        if not bool((most > 0).all()):
            empty = int((most <= 0).sum())
            raise OptionError(
                f"transform: {empty} of {spec.bins} mel bands are too narrow to hold a bin of the FFT; "
                f"lower n_mels or raise n_fft ({spec.n_fft})."
            )
        super().__init__(options, sample_rate=sample_rate, full_scale=most * full_scale(window))
        self.spec, self.magnitude_spec = spec, linear
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("filters", filters.float(), persistent=False)
        self.register_buffer("estimate", torch.linalg.pinv(filters).float(), persistent=False)
        floor = full_scale(window) * 10 ** (-options.range_db / 20)
        self.register_buffer("magnitude_floor", floor.float(), persistent=False)

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> mel magnitudes [B, bins, frames]."""
        magnitude = spectrum(wave, self.window, self.spec.hop).abs()
        return functional.linear(magnitude.mT, self.filters).mT  # the FFT leaves frame after frame in memory

    def magnitudes(self, spectrogram: Tensor) -> Tensor:
        """Log mel magnitudes [B, bins, frames] -> log magnitudes [B, n_fft // 2 + 1, frames], not below the floor."""
        bands = spectrogram.to(self.filters.dtype).exp()
        linear = solve(self.filters, bands, (self.estimate @ bands).clamp_min(0))
        return linear.clamp_min(self.magnitude_floor).log()
