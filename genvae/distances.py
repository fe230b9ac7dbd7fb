"""How far sounds are apart, for whoever measures one: reconstruction, evaluation, tests."""

from __future__ import annotations

import torch
from torch import Tensor


def log_spectral_distance(reference: Tensor, other: Tensor) -> float:
    """How far two waveforms [samples] are apart in dB, whatever their phases: 0 for the same, 6 for half the level.

    The root mean square over frequencies of the difference of their levels, averaged over frames of 1024 samples.
    Below 80 dB under the reference's loudest value all is taken as silence.
    """
    window = torch.hann_window(1024)

    def power(wave: Tensor) -> Tensor:
        transformed = torch.stft(wave, 1024, 256, window=window, pad_mode="constant", return_complex=True)
        return transformed.abs().square()  # [513, frames]

    ours, theirs = power(reference), power(other)
    floor = (ours.max() * 1e-8).clamp_min(1e-8)
    apart = 10.0 * (ours.clamp_min(floor).log10() - theirs.clamp_min(floor).log10())
    return float(apart.square().mean(dim=0).sqrt().mean())
