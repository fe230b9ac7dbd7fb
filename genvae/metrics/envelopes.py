"""Statistics of a quick spectrogram: attacks, how the level moves, and at which rates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor

from genvae.metrics.bands import BANDS, Named, decibels, kurtosis, ranked, rows_of, spectrogram

N_FFT, HOP = 512, 128  # 23 ms and 5.8 ms: short enough to see an attack
_LAGS = (2, 8)  # frames: 12 and 46 ms
_RATES = {"1-4 Hz": (1, 4), "4-10 Hz": (4, 10), "10-20 Hz": (10, 20), "20-40 Hz": (20, 40), "40-86 Hz": (40, 86)}
_WIDE = {"below 1 kHz": (60.0, 1000.0), "1-4 kHz": (1000.0, 4000.0), "above 4 kHz": (4000.0, 11025.0)}
_QUIET = 1e-4  # amplitude, 80 dB below the clip's RMS
_STILL = 1e-4  # variance of the change of a logarithm
_SUBBANDS = 8  # in which a wide band's envelopes are taken


def envelope_statistics(wave: Tensor, sample_rate: int) -> Iterator[Named]:
    """Statistics of waveforms [N, samples] of unit RMS.

    - onset: the largest rise of a band's amplitude from one frame to the next, in dB.
    - onset kurtosis: kurtosis of those changes: few strong attacks give much, an even rush gives 3.
    - flux: the sum of the rises of the magnitudes over the sum of magnitudes.
    - steadiness: correlation of a bin's level with itself some frames later, over all bins of the band.
    - level movement: standard deviation of the band's level over time.
    - range: the level that one in twenty bins and frames exceeds above the one that nineteen in twenty do.
    - modulation: power spectrum of the envelopes' levels, by the rate of the modulation; the spectrum of a modulation
      is that of the deviation from the mean, so steady noise has little at low rates.
    """
    magnitude = spectrogram(wave, N_FFT, HOP)
    level = decibels(magnitude.square())
    for name, band in BANDS.items():
        rows = rows_of(band, N_FFT, sample_rate)
        own, own_level = magnitude[:, rows], level[:, rows]
        change = (own.sum(dim=1) + _QUIET).log().diff(dim=1)  # [N, frames - 1]
        yield ("onset", name, "dB"), 8.686 * change.amax(dim=1)
        yield ("onset kurtosis", name, "ln"), kurtosis(change, _STILL).clamp_min(0.1).log()
        yield ("flux", name, ""), own.diff(dim=2).clamp_min(0).sum(dim=(1, 2)) / own.sum(dim=(1, 2)).clamp_min(_QUIET)
        centred = own_level - own_level.mean(dim=2, keepdim=True)
        variance = centred.square().mean(dim=(1, 2)) + 1e-3
        for lag in _LAGS:
            later = (centred[..., :-lag] * centred[..., lag:]).mean(dim=(1, 2)) / variance
            yield (f"steadiness over {1000 * lag * HOP / sample_rate:.0f} ms", name, ""), later
        yield ("level movement", name, "dB"), decibels(own.square().sum(dim=1)).std(dim=1)
        low, high = ranked(own_level, 0.05, 0.95)
        yield ("range", name, "dB"), high - low
    frames = magnitude.shape[2]
    rates = torch.fft.rfftfreq(frames, HOP / sample_rate)
    window = torch.hann_window(frames)
    for name, band in _WIDE.items():
        shares = _subbands(band, sample_rate) @ magnitude.square()  # [N, subbands, frames]
        envelope = decibels(shares)
        moving = (envelope - envelope.mean(dim=2, keepdim=True)) * window
        spectrum = torch.fft.rfft(moving, dim=2).abs().square() / window.square().sum()
        for rate, (slowest, fastest) in _RATES.items():
            inside = (rates >= slowest) & (rates < fastest)
            yield (f"modulation at {rate}", name, "dB"), 10 * torch.log10(spectrum[..., inside].mean(dim=(1, 2)) + 1e-3)


@cache
def _subbands(band: tuple[float, float], sample_rate: int) -> Tensor:
    """Which bin belongs to which of the band's parts, of equal ratio: [subbands, bins], ones and zeros."""
    hertz = torch.fft.rfftfreq(N_FFT, 1 / sample_rate)
    edges = torch.logspace(math.log10(band[0]), math.log10(band[1]), _SUBBANDS + 1)
    part = torch.bucketize(hertz, edges, right=True) - 1
    filled = [part == number for number in range(_SUBBANDS) if (part == number).any()]
    return torch.stack(filled).float()
