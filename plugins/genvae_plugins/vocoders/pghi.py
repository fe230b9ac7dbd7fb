"""The `pghi` vocoder: phase gradient heap integration, one pass from the loudest bins outwards.

Průša, Balazs & Søndergaard, A Noniterative Method for Reconstruction of Phase From STFT Magnitude, 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genvae import FeatureSpec
from genvae_plugins.vocoders import integration_queue, phase_gradient
from genvae_plugins.vocoders.magnitudes import MagnitudeVocoder
from genvae_plugins.vocoders.peaks import with_still_edges


class Pghi(MagnitudeVocoder):
    """Phase gradient heap integration; bins below the tolerance get random phases.

    The walk runs on the CPU, whatever the device of the spectrogram, several clips at once where torch has the threads.
    """

    name = "pghi"
    draws = True

    def _phases(self, logs: Tensor, drawn: Tensor | None) -> Tensor:
        assert drawn is not None  # as `draws` says
        return phases(logs, drawn, self.spec, self.options.tolerance)


def phases(logs: Tensor, random: Tensor, spec: FeatureSpec, tolerance: float) -> Tensor:
    """Natural-log magnitudes [B, frames, bins] -> phases in turns, likewise; `random` ones below the tolerance."""
    to_next_frame, to_next_bin = phase_gradient.steps(logs, spec)
    clips = zip(*(part.cpu().numpy() for part in (logs, to_next_frame, to_next_bin, random)), strict=True)
    turns = [
        torch.from_numpy(integration_queue.phases(clip, in_time, in_frequency, drawn, tolerance))
        for clip, in_time, in_frequency, drawn in clips
    ]
    return with_still_edges(torch.stack(turns).to(logs))
