"""How training clips sound, in three numbers that a map can be coloured by: loudness, brightness, pitch."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.clips.batches import in_order
from genvae.clips.store import ClipStore

QUALITIES = ("loudness", "brightness", "pitch")
"""In dB below full scale; in octaves above 1 Hz the centre of the spectrum, and the pitch, which is 0 for none."""

_FRAME, _HOP = 2048, 1024
_LOWEST, _HIGHEST = 40.0, 1200.0  # Hz, of a pitch
_CLEAR = 0.5  # of the autocorrelation at its period, for a sound to have a pitch
_BATCH = 64


def measure_store(store: ClipStore, numbers: NDArray[np.int64]) -> dict[str, Tensor]:
    """The qualities of clips [N] of a store, [N] float16 each."""
    blocks = [measure(waves, store.sample_rate) for waves, _ in in_order(store, numbers, _BATCH)]
    rows = torch.cat(blocks) if blocks else torch.zeros(0, len(QUALITIES))
    return {name: column.half().contiguous() for name, column in zip(QUALITIES, rows.T, strict=True)}


def measure(waves: Tensor, sample_rate: int) -> Tensor:
    """The qualities of waveforms [B, samples], [B, 3].

    The pitch is that of the greatest peak of the autocorrelation, corrected for the window's own (Boersma, Accurate
    Short-Term Analysis of the Fundamental Frequency, 1993), of all frames together, each by its power.
    """
    padded = torch.nn.functional.pad(waves.float(), (0, max(0, _FRAME - waves.shape[1])))
    window = torch.hann_window(_FRAME)
    frames = padded.unfold(1, _FRAME, _HOP) * window  # [B, frames, _FRAME]
    power = torch.fft.rfft(frames, 2 * _FRAME).abs().square().sum(dim=1)  # [B, bins]
    total = power.sum(dim=1).clamp_min(1e-12)
    hertz = torch.linspace(0, sample_rate / 2, power.shape[1])
    loudness = 10 * waves.float().square().mean(dim=1).clamp_min(1e-10).log10()
    brightness = ((power @ hertz) / total).clamp_min(1.0).log2()
    return torch.stack([loudness, brightness, _pitch(power, window, sample_rate)], dim=1)


def _pitch(power: Tensor, window: Tensor, sample_rate: int) -> Tensor:
    """Power spectra [B, bins] of windowed frames -> pitches in octaves above 1 Hz, [B]; 0 where there is none."""
    correlation = torch.fft.irfft(power)[:, :_FRAME]
    own = torch.fft.irfft(torch.fft.rfft(window, 2 * _FRAME).abs().square())[:_FRAME]
    shape = correlation / correlation[:, :1].clamp_min(1e-12) * (own[0] / own.clamp_min(1e-3 * own[0]))
    first, last = math.ceil(sample_rate / _HIGHEST), min(math.floor(sample_rate / _LOWEST), _FRAME // 2 - 1)
    if last <= first:
        return torch.zeros(len(power))
    lags = shape[:, first : last + 1]
    # Of periods that fit nearly as well, the shortest: twice the period of a tone is one of its periods too.
    best = lags.amax(dim=1, keepdim=True)
    peak = (lags >= lags.roll(1, dims=1)) & (lags >= lags.roll(-1, dims=1)) & (lags >= 0.92 * best)
    lag = first + peak.float().argmax(dim=1)
    pitch = (sample_rate / lag).log2()
    return torch.where((best[:, 0] >= _CLEAR) & peak.any(dim=1), pitch, torch.zeros_like(pitch))
