"""The short-time Fourier transform as FeatureSpec defines it, for every front end that begins with one."""

from __future__ import annotations

import torch
from torch import Tensor

from genvae import FeatureSpec
from genvae_plugins.transforms import StftOptions


def log_magnitude_spec(options: StftOptions, sample_rate: int) -> FeatureSpec:
    """The spec of the log magnitudes of the STFT that options describe."""
    return FeatureSpec(
        kind="magnitude",
        bins=options.n_fft // 2 + 1,
        sample_rate=sample_rate,
        n_fft=options.n_fft,
        hop=options.hop,
        window=options.window,
        scale="log",
    )


def spectrum(wave: Tensor, window: Tensor, hop: int) -> Tensor:
    """Waveforms [B, samples] -> complex spectra [B, n_fft // 2 + 1, frames].

    Frames are centred on multiples of the hop, over a signal padded with zeros; a waveform may have any length from
    one sample.
    """
    return torch.stft(wave, len(window), hop, window=window, center=True, pad_mode="constant", return_complex=True)


def full_scale(window: Tensor) -> Tensor:
    """The magnitude of a full-scale sine at the frequency of a bin, sum(window) / 2."""
    return window.sum().double() / 2
