"""The gradient of the phase, read off the log magnitudes, as the step of the phase from each bin to its neighbours.

Průša, Balazs & Søndergaard, A Noniterative Method for Reconstruction of Phase From STFT Magnitude, 2017, section III:
for a Gaussian window, the time derivative of the phase is the frequency derivative of the log magnitude and the other
way round with the sign turned; other windows are taken as the Gaussian that is closest to them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genvae import FeatureSpec

_GAMMA = {"hann": 0.25645, "hamming": 0.29794, "blackman": 0.17954}
"""The Gaussian exp(-pi t^2 / gamma) closest to each window, with gamma in squared window lengths: Průša & Søndergaard,
Real-Time Spectrogram Inversion Using Phase Gradient Heap Integration, 2016, table 1; a least-squares fit
finds them within 2 %."""


def steps(logs: Tensor, spec: FeatureSpec) -> tuple[Tensor, Tensor]:
    """Natural-log magnitudes [B, frames, bins] -> steps of the phase in turns, to the next frame and to the next bin.

    The first, [B, frames - 1, bins], is known up to whole turns and lies around -0.5 to 0.5; the second is
    [B, frames, bins - 1]. Both are averages of the derivatives at the two bins that they join (section IV-A there).
    """
    bins = logs.shape[2]
    # Natural units: a bin is 1 / n_fft of the rate and a frame is a hop; this is their ratio on the Gaussian.
    aspect = _GAMMA[spec.window] * spec.n_fft / spec.hop

    in_frequency, in_time = _differences(logs, 2), _differences(logs, 1)
    bin_index = torch.arange(bins, device=logs.device)
    # In whole numbers first: the part of a turn is then exact however many bins there are.
    centre = ((bin_index * spec.hop) % spec.n_fft).to(logs) / spec.n_fft  # turns in a hop at the bin's own frequency
    to_next_frame = (in_frequency[:, 1:] + in_frequency[:, :-1]).mul_(0.25 / (2 * math.pi * aspect)).add_(centre)
    # Half a turn a bin: the phase counts from the frame's first sample, the energy of a frame lies around its middle.
    to_next_bin = (in_time[:, :, 1:] + in_time[:, :, :-1]).mul_(-0.25 * aspect / (2 * math.pi)).sub_(0.5)
    return to_next_frame, to_next_bin


def _differences(values: Tensor, axis: int) -> Tensor:
    """Of both neighbours of each of `values` along an axis; at its ends, of the neighbour and the value itself."""
    count = values.shape[axis]
    differences = torch.zeros_like(values)
    if count > 2:
        ahead, behind = values.narrow(axis, 2, count - 2), values.narrow(axis, 0, count - 2)
        torch.sub(ahead, behind, out=differences.narrow(axis, 1, count - 2))
    if count > 1:
        for end in (0, count - 2):
            place = differences.narrow(axis, end and count - 1, 1)
            torch.sub(values.narrow(axis, end + 1, 1), values.narrow(axis, end, 1), out=place)
    return differences
