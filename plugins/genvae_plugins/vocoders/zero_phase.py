"""The `zero-phase` vocoder: every frame a pulse in its middle, the floor that any other must beat."""

from __future__ import annotations

import torch
from torch import Tensor

from genvae_plugins.vocoders.magnitudes import MagnitudeVocoder


class ZeroPhase(MagnitudeVocoder):
    """All phases zero as seen from the middle of each frame, where its window does not cut the pulse away."""

    name = "zero-phase"

    def _phases(self, logs: Tensor, drawn: Tensor | None) -> Tensor:
        # Counted from the frame's first sample, the middle is half a turn a bin away.
        return (0.5 * (torch.arange(logs.shape[2], device=logs.device) % 2)).expand(logs.shape)
