"""Statistics of the waveform itself: its peaks, its periods, and its ends."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from genvae.metrics.bands import Named, kurtosis

_FRAME, _STEP = 2048, 1024  # samples
_LAGS = (20, 700)  # samples: 1.1 kHz down to 31 Hz
_EDGE_SECONDS, _MIDDLE = 0.05, (0.27, 0.73)  # of the clip's ends, and between which parts its middle lies
_QUIET = 1e-8


def waveform_statistics(wave: Tensor, sample_rate: int) -> Iterator[Named]:
    """Statistics of waveforms [N, samples] of unit RMS.

    - crest: peak over RMS.
    - kurtosis: of the samples.
    - periodicity: the largest autocorrelation of a frame at a lag of 0.9 to 32 ms, corrected for the window as in
      Boersma, Accurate short-term analysis of the fundamental frequency, 1993; median over frames.
    - start, end: level of the first and of the last 50 ms beside that of the middle.
    """
    yield ("crest", "", "dB"), 20 * torch.log10(wave.abs().amax(dim=1).clamp_min(1e-6))
    yield ("kurtosis of the samples", "", "ln"), kurtosis(wave, 1e-6).clamp_min(0.1).log()
    window = torch.hann_window(_FRAME)
    frames = wave.unfold(1, _FRAME, _STEP) * window  # [N, frames, _FRAME]
    correlation = torch.fft.irfft(torch.fft.rfft(frames, 2 * _FRAME).abs().square())[..., : _LAGS[1]]
    own = torch.fft.irfft(torch.fft.rfft(window, 2 * _FRAME).abs().square())[: _LAGS[1]]
    relative = correlation / (correlation[..., :1] + _QUIET) / (own / own[0])
    yield ("periodicity", "", ""), relative[..., _LAGS[0] :].amax(dim=2).median(dim=1).values
    edge, samples = round(_EDGE_SECONDS * sample_rate), wave.shape[1]
    middle = wave[:, round(_MIDDLE[0] * samples) : round(_MIDDLE[1] * samples)].square().mean(dim=1) + _QUIET
    for name, part in (("start", wave[:, :edge]), ("end", wave[:, -edge:])):
        yield (f"level of the {name}", "", "dB"), 10 * torch.log10((part.square().mean(dim=1) + _QUIET) / middle)
