"""The `spsi` vocoder: single pass spectrogram inversion, each peak carried on at its interpolated frequency.

Beauregard, Harish & Wyse, Single Pass Spectrogram Inversion, 2015.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from genvae import FeatureSpec
from genvae_plugins.vocoders import peaks
from genvae_plugins.vocoders.magnitudes import MagnitudeVocoder


class Spsi(MagnitudeVocoder):
    """Single pass spectrogram inversion, for batches on any device; nothing is drawn."""

    name = "spsi"

    def _phases(self, logs: Tensor, drawn: Tensor | None) -> Tensor:
        return phases(logs.exp(), self.spec)


def phases(magnitude: Tensor, spec: FeatureSpec) -> Tensor:
    """Magnitudes [B, frames, bins] -> phases in turns, likewise.

    The bins around a peak take its phase, alternating by half a turn from bin to bin as the lobe of a window in the
    middle of its frame does (section 3 there; the paper's frames start at the peak of the window, ours before it).
    """
    owner = peaks.owners(magnitude)
    index = torch.arange(magnitude.shape[2], device=magnitude.device)
    # Parabola through the peak and its neighbours, equation 2 there; at most half a bin away.
    sides = functional.pad(magnitude, (1, 1))
    low, high = sides[..., :-2], sides[..., 2:]
    curvature = low - 2 * magnitude + high
    offset = 0.5 * (low - high) / torch.where(curvature == 0, 1, curvature)
    per_hop = (index + offset.clamp(-0.5, 0.5)) * (spec.hop / spec.n_fft)
    apart = 0.5 * ((index - owner) % 2)
    return peaks.with_still_edges(peaks.follow(owner, per_hop.gather(2, owner) + apart))
