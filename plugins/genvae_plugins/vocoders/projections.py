"""The two projections that iterative phase reconstruction alternates."""

from __future__ import annotations

import torch
from torch import Tensor

from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.magnitudes import with_magnitude_


class Projections:
    """Projections of spectra [B, frames, bins] on the wanted magnitudes, and on what a waveform can give.

    All memory but the FFTs' results is made once. With one clip at a time it all stays in a core's own cache, which is
    where the speed comes from.
    """

    def __init__(self, frames: Frames, magnitude: Tensor) -> None:
        self.frames, self.magnitude = frames, magnitude
        self._wave = frames.memory(magnitude)
        self._gain = torch.empty_like(magnitude)

    def with_magnitude_(self, spectrum: Tensor) -> Tensor:
        """Give the spectra the wanted magnitudes, in place; where they are zero they stay so."""
        return with_magnitude_(spectrum, self.magnitude, self._gain)

    def wave(self, spectrum: Tensor) -> Tensor:
        """The padded waveform [B, samples] that comes closest; its memory is used again by the next call."""
        return self.frames.synthesise(spectrum, self._wave)

    def consistent(self, spectrum: Tensor) -> Tensor:
        """The closest spectra that a waveform has, in memory of their own."""
        return self.frames.project(spectrum, self._wave)
