"""Levels of a clip over time and frequency, the bands that they are cut into, and what several statistics share."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

BANDS = {
    "60-300 Hz": (60.0, 300.0),
    "0.3-1 kHz": (300.0, 1000.0),
    "1-3 kHz": (1000.0, 3000.0),
    "3-9 kHz": (3000.0, 9000.0),
}
"""Lower and upper edge in Hz."""
FLOOR_DB = -100.0  # relative to the clip's RMS: below lies what 16 bits and codecs leave

Named = tuple[tuple[str, str, str], Tensor]
"""Family, band and unit of a statistic, and its values [N]."""


def spectrogram(wave: Tensor, n_fft: int, hop: int) -> Tensor:
    """Magnitudes [N, n_fft // 2 + 1, frames] of waveforms [N, samples], a sine of amplitude 1 giving 1.

    Frames do not reach beyond the clip's ends, so that the silence around it is not measured.
    """
    window = torch.hann_window(n_fft)
    transformed = torch.stft(wave, n_fft, hop, window=window, center=False, return_complex=True)
    return transformed.abs() * (2 / window.sum())


def decibels(power: Tensor) -> Tensor:
    """Levels of powers, with the floor added to them, in dB."""
    return 10 * torch.log10(power + 10 ** (FLOOR_DB / 10))


def rows_of(band: tuple[float, float], n_fft: int, sample_rate: int) -> slice:
    """The bins of an FFT that lie in a band."""
    width = sample_rate / n_fft
    return slice(-int(-band[0] // width), -int(-band[1] // width))


def ranked(values: Tensor, *shares: float) -> tuple[Tensor, ...]:
    """The values below which given shares of [N, ...] lie, over all axes but the first: [N] each."""
    flat = values.flatten(1).numpy()
    places = [min(int(share * flat.shape[1]), flat.shape[1] - 1) for share in shares]
    # As NumPy selects where torch sorts, which takes fifty times as long.
    parted = torch.from_numpy(np.partition(flat, places, axis=1))
    return tuple(parted[:, place] for place in places)


def kurtosis(values: Tensor, least: float) -> Tensor:
    """Fourth central moment over the squared variance along the last axis: 3 for Gaussian values.

    Args:
        least: variance below which the values count as constant.
    """
    centred = values - values.mean(dim=-1, keepdim=True)
    return (centred**4).mean(dim=-1) / centred.square().mean(dim=-1).clamp_min(least).square()
