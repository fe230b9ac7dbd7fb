"""Statistics of a fine spectrogram: partials, the valleys between them, and how steady they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from genvae.metrics.bands import BANDS, Named, decibels, ranked, rows_of, spectrogram

N_FFT, HOP = 2048, 256  # 93 ms and 12 ms: partials some 22 Hz apart are resolved
_LOUDEST = 8  # bins whose wobble is measured
_RIPPLES = {
    "every 0.9-2.8 kHz": (2, 6),
    "every 280-920 Hz": (6, 20),
    "every 92-280 Hz": (20, 60),
    "every 37-92 Hz": (60, 150),
}
"""Periods within 512 bins, by how far the peaks are apart."""
_FIRST, _RIPPLED = 8, 512  # bins


def fine_structure_statistics(wave: Tensor, sample_rate: int) -> Iterator[Named]:
    """Statistics of waveforms [N, samples] of unit RMS.

    - noise floor: the level that one in twenty of a band's bins and frames lies below; of a bin, so 0 for a sine of
      amplitude 1 and 3 dB less for one of unit RMS.
    - peak to valley: mean level of the loudest tenth of the bins above that of the quietest three tenths.
    - roughness: mean absolute second difference of level along frequency.
    - wobble: mean absolute second difference of level along time, of the band's loudest bins.
    - flatness: geometric over arithmetic mean of the power of the bins; 0 dB for one level, about -2.5 for noise.
    - level: the band's power beside the clip's.
    - ripple: mean power of the level's variation along frequency, by how far its peaks are apart.
    """
    magnitude = spectrogram(wave, N_FFT, HOP)  # [N, bins, frames]
    power = magnitude.square()
    level = decibels(power)
    total = power.sum(dim=(1, 2)).clamp_min(1e-12)
    for name, band in BANDS.items():
        rows = rows_of(band, N_FFT, sample_rate)
        own, own_power = level[:, rows], power[:, rows]
        contrast = _contrast(own)  # [N, frames]
        bins = own.shape[1]
        yield ("noise floor", name, "dB"), ranked(own, 0.05)[0]
        yield ("peak to valley", name, "dB"), contrast.median(dim=1).values
        yield ("roughness", name, "dB"), own.diff(n=2, dim=1).abs().mean(dim=(1, 2))
        loudest = own.mean(dim=2).topk(min(_LOUDEST, bins), dim=1).indices
        strongest = own.gather(1, loudest[..., None].expand(-1, -1, own.shape[2]))  # [N, 8, frames]
        yield ("wobble", name, "dB"), strongest.diff(n=2, dim=2).abs().mean(dim=(1, 2))
        flatness = own.mean(dim=1) - decibels(own_power.mean(dim=1))
        yield ("flatness", name, "dB"), flatness.median(dim=1).values
        yield ("level", name, "dB"), 10 * torch.log10(own_power.sum(dim=(1, 2)) / total + 1e-6)
    shape = level[:, _FIRST : _FIRST + _RIPPLED]
    shape = (shape - shape.mean(dim=1, keepdim=True)) * torch.hann_window(_RIPPLED)[:, None]
    ripples = torch.fft.rfft(shape, dim=1).abs().square() / _RIPPLED  # [N, 257, frames]
    for name, (low, high) in _RIPPLES.items():
        yield ("ripple", name, "dB"), 10 * torch.log10(ripples[:, low:high].mean(dim=(1, 2)) + 1e-3)


def _contrast(level: Tensor) -> Tensor:
    """How far the loudest tenth of the bins lies above the quietest three tenths, [N, bins, frames] -> [N, frames]."""
    bins = level.shape[1]
    top, bottom = max(1, bins // 10), max(1, 3 * bins // 10)
    parted = torch.from_numpy(np.partition(level.numpy(), (bottom - 1, bins - top), axis=1))
    return parted[:, -top:].mean(dim=1) - parted[:, :bottom].mean(dim=1)
