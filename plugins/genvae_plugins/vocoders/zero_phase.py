"""The `zero-phase` vocoder: every frame a pulse in its middle, the floor that any other must beat."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.magnitudes import MagnitudeVocoder


class ZeroPhase(MagnitudeVocoder):
    """All phases zero as seen from the middle of each frame, where its window does not cut the pulse away."""

    name = "zero-phase"

    def _reconstruct(self, frames: Frames, tools: Any, logs: Tensor, turns: Tensor | None) -> Tensor:
        signed = logs.exp()
        signed[..., 1::2] *= -1  # counted from the frame's first sample, the middle is half a turn a bin away
        return frames.synthesise(torch.complex(signed, torch.zeros_like(signed))).flatten(1)
