"""Mel filter banks: triangles that are equally wide on a scale of perceived pitch."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from genvae import FeatureSpec

_LINEAR_STEP = 200 / 3  # Hz in a mel of Slaney's below _CORNER
_CORNER = 1000.0  # Hz
_LOG_STEP = math.log(6.4) / 27  # of the frequency in a mel of Slaney's above it


def hz_to_mel(hz: Tensor, formula: Literal["slaney", "htk"]) -> Tensor:
    """Frequencies in Hz -> mel.

    `slaney`: linear up to 1 kHz, logarithmic above; Slaney, Auditory Toolbox version 2, 1998. `htk`: Young et al., The
    HTK Book, section 5.4.
    """
    if formula == "htk":
        return 2595 * torch.log10(1 + hz / 700)
    above = _CORNER / _LINEAR_STEP + (hz.clamp_min(_CORNER) / _CORNER).log() / _LOG_STEP
    return torch.where(hz < _CORNER, hz / _LINEAR_STEP, above)


def mel_to_hz(mel: Tensor, formula: Literal["slaney", "htk"]) -> Tensor:
    """The inverse of `hz_to_mel`."""
    if formula == "htk":
        return 700 * (10 ** (mel / 2595) - 1)
    corner = _CORNER / _LINEAR_STEP
    return torch.where(mel < corner, mel * _LINEAR_STEP, _CORNER * (_LOG_STEP * (mel - corner)).exp())


def mel_filters(spec: FeatureSpec) -> Tensor:
    """The weight of each bin of the STFT in each mel band of a spec, float64 [bins, n_fft // 2 + 1]."""
    assert spec.f_min is not None
    assert spec.f_max is not None
    assert spec.mel is not None
    ends = hz_to_mel(torch.tensor([spec.f_min, spec.f_max], dtype=torch.float64), spec.mel)
    steps = torch.linspace(0, 1, spec.bins + 2, dtype=torch.float64)
    corners = mel_to_hz(ends[0] + (ends[1] - ends[0]) * steps, spec.mel)  # [bins + 2], Hz
    left, top, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    frequency = torch.arange(spec.n_fft // 2 + 1, dtype=torch.float64) * (spec.sample_rate / spec.n_fft)
    triangles = torch.minimum((frequency - left) / (top - left), (right - frequency) / (right - top)).clamp_min(0)
    return triangles * (2 / (right - left)) if spec.mel_norm == "area" else triangles
