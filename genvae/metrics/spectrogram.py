"""Spectrograms at equal loudness: in which copies are searched for, and what the shipped embedder's maps come from."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

SAMPLE_RATE = 22_050
BANDS, N_FFT = 64, 1280

_FLOOR = 1e-6  # of a clip's power: 60 dB below it lies what is left of quantisation and of lossy codecs
_SILENCE = 1e-10  # mean square: nothing is made of 16-bit rounding
_MIDDLE, _SPREAD = -35.0, 15.0  # dB: bring levels to about unit scale


def log_mel(wave: Tensor, hop: int) -> Tensor:
    """Waveforms [B, samples] at SAMPLE_RATE -> bands' levels relative to the clip's, [B, BANDS, frames]; about ±1.

    The FFT is of another size than the usual front ends have, so that what a vocoder fits to these is heard afresh.
    """
    power = equally_loud_power(wave, N_FFT, hop)
    decibels = 10 * torch.log10(torch.einsum("mf,bft->bmt", mel_filters(N_FFT, BANDS), power) + _FLOOR)
    return (decibels - _MIDDLE) / _SPREAD


def equally_loud_power(wave: Tensor, n_fft: int, hop: int) -> Tensor:
    """Power [B, n_fft // 2 + 1, frames] of waveforms [B, samples]; its sum over bins is 1 on average."""
    level = wave.square().mean(dim=1, keepdim=True)
    wave = wave / level.clamp_min(_SILENCE).sqrt()
    window = torch.hann_window(n_fft)
    spectrum = torch.stft(wave, n_fft, hop, window=window, pad_mode="constant", return_complex=True)
    return 2 * spectrum.abs().square() / (n_fft * window.square().sum())


@cache
def mel_filters(n_fft: int, bands: int) -> Tensor:
    """Triangles on the mel scale (O'Shaughnessy, Speech Communication, 1987), [bands, n_fft // 2 + 1]; peaks of one."""
    bins = torch.linspace(0, SAMPLE_RATE / 2, n_fft // 2 + 1)
    highest = 2595 * torch.log10(torch.tensor(1 + SAMPLE_RATE / 2 / 700))
    corners = 700 * (10 ** (torch.linspace(0, float(highest), bands + 2) / 2595) - 1)
    below, peak, above = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    return torch.minimum((bins - below) / (peak - below), (above - bins) / (above - peak)).clamp_min(0)
