"""Brings a sound that goes beyond full scale within it, as masters of music are."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

_SPAN = 0.01  # s around a peak in which all is turned down: half a period of 50 Hz, so that low notes stay pure


def limited(waves: Tensor, sample_rate: int) -> Tensor:
    """Finite waveforms [..., samples], turned down for some milliseconds wherever they are beyond ±1.

    A look-ahead limiter: the gain at a place is the mean, over a window around it, of the least gain that any peak in a
    window around each of its places needs. So it reaches what a peak needs before it comes, along straight lines. Loud
    music is mastered by such a device, and what a model learns of its spectra tells nothing of where the peaks stood:
    made anew they rise above full scale, while the rest is as loud as it should be. What stays within ±1 is given
    back as it is.

    Args:
        waves: [..., samples].
        sample_rate: in Hz.
    """
    if not len(waves) or float(waves.abs().max()) <= 1.0:
        return waves
    span = 2 * round(_SPAN * sample_rate / 2) + 1
    envelope = waves.abs().reshape(-1, 1, waves.shape[-1])
    peak = F.max_pool1d(envelope, span, stride=1, padding=span // 2)
    gain = F.avg_pool1d(F.pad(1.0 / peak.clamp_min(1.0), (span // 2, span // 2), mode="replicate"), span, stride=1)
    # The sum of a mean rounds, which must not let a sample beyond.
    return (waves * gain.reshape(waves.shape)).clamp(-1.0, 1.0)
