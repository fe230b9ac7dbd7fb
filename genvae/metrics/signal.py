"""Numbers that need no embedder: level and spectrum of clips, and how far a reconstruction is from its original."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from genvae.metrics.embedder import Waves

_N_FFT, _HOP = 1024, 256
_RESOLUTIONS = ((512, 128), (1024, 256), (2048, 512))  # FFT size and hop, in samples
_TINY = 1e-12


@dataclass(frozen=True)
class Signal:
    """Medians over clips. The spectrum is that of the whole clip.

    Attributes:
        level: RMS in dB of full scale.
        crest: peak over RMS, in dB.
        centroid: centre of gravity of the power spectrum, in Hz.
        rolloff: what 85 % of the power lies below, in Hz.
        flatness: geometric over arithmetic mean of the power spectrum, in dB; 0 for white noise, far below for a tone.
        flux: root mean square change of level from one frame of 1024 samples to the next, 256 later, in dB, over what
            lies within 60 dB of the loudest.
    """

    level: float
    crest: float
    centroid: float
    rolloff: float
    flatness: float
    flux: float


def describe(waves: Waves, sample_rate: int) -> Signal:
    """Level and spectrum of clips [N, samples] at a rate in Hz; Peeters, A large set of audio features, 2004."""
    wave = torch.from_numpy(waves)
    mean_square = wave.square().mean(dim=1).clamp_min(_TINY)
    long_enough = torch.nn.functional.pad(wave, (0, max(0, _N_FFT + _HOP - wave.shape[1])))
    spectrum = _magnitudes(long_enough, _N_FFT, _HOP, center=False).square()  # [N, bins, frames]; none with an edge
    power = spectrum.mean(dim=2).clamp_min(_TINY)
    hertz = torch.linspace(0, sample_rate / 2, power.shape[1])
    rolloff = hertz[(power.cumsum(dim=1) < 0.85 * power.sum(dim=1, keepdim=True)).sum(dim=1).clamp_max(len(hertz) - 1)]
    floor = (1e-6 * spectrum.amax(dim=(1, 2), keepdim=True)).clamp_min(_TINY)
    change = 10 * spectrum.clamp_min(floor).log10().diff(dim=2)
    values = {
        "level": 10 * mean_square.log10(),
        "crest": 20 * wave.abs().amax(dim=1).clamp_min(_TINY).log10() - 10 * mean_square.log10(),
        "centroid": (power * hertz).sum(dim=1) / power.sum(dim=1),
        "rolloff": rolloff,
        "flatness": 10 * (power.log10().mean(dim=1) - power.mean(dim=1).log10()),
        "flux": change.square().mean(dim=(1, 2)).sqrt(),
    }
    return Signal(**{name: float(np.median(each.numpy())) for name, each in values.items()})


def mean_signal(signals: list[Signal]) -> Signal:
    """The mean of several, such as those of the genres."""
    return Signal(**{name: float(np.mean([asdict(each)[name] for each in signals])) for name in asdict(signals[0])})


def multi_resolution_stft(original: Tensor, other: Tensor) -> float:
    """How far waveforms [samples] are apart at three resolutions: 0 for the same, about 1 for an unrelated sound.

    The mean over resolutions of spectral convergence, | |X| - |Y| | / | |X| |, and the mean absolute difference of the
    natural logarithms of magnitudes; Yamamoto et al., Parallel WaveGAN, 2020, section 2.2. Below 80 dB under the
    original's loudest value all is taken as silence.
    """
    total = 0.0
    for n_fft, hop in _RESOLUTIONS:
        ours, theirs = (_magnitudes(wave[None], n_fft, hop) for wave in (original, other))
        floor = (1e-4 * ours.max()).clamp_min(_TINY)
        convergence = (ours - theirs).norm() / ours.norm().clamp_min(_TINY)
        apart = (ours.clamp_min(floor).log() - theirs.clamp_min(floor).log()).abs().mean()
        total += float(convergence + apart)
    return total / len(_RESOLUTIONS)


def _magnitudes(waves: Tensor, n_fft: int, hop: int, *, center: bool = True) -> Tensor:
    """Magnitudes of an STFT of [N, samples]: [N, bins, frames]."""
    window = torch.hann_window(n_fft)
    return torch.stft(waves, n_fft, hop, window=window, center=center, pad_mode="constant", return_complex=True).abs()
