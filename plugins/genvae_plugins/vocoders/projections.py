"""The two projections that iterative phase reconstruction alternates, and fast Griffin-Lim made of them."""

from __future__ import annotations

import torch
from torch import Tensor

from genvae_plugins.vocoders.frames import Frames


class Projections:
    """Projections of spectra [B, frames, bins] on the wanted magnitudes, and on what a waveform can give.

    All memory but the FFTs' results is made once. With one clip at a time it all stays in a core's own cache, which is
    where the speed comes from.
    """

    def __init__(self, frames: Frames, magnitude: Tensor) -> None:
        self.frames, self.magnitude = frames, magnitude
        self._wave = frames.memory(magnitude)
        self._squares = magnitude.new_empty(*magnitude.shape, 2)
        self._gain = torch.empty_like(magnitude)

    def with_magnitude_(self, spectrum: Tensor) -> Tensor:
        """Give the spectra the wanted magnitudes, in place; where they are zero they stay so."""
        parts = torch.view_as_real(spectrum)
        torch.mul(parts, parts, out=self._squares)
        torch.add(self._squares[..., 0], self._squares[..., 1], out=self._gain)
        gain = self._gain.add_(1e-30).rsqrt_().mul_(self.magnitude)
        return spectrum.mul_(gain)

    def wave(self, spectrum: Tensor) -> Tensor:
        """The padded waveform [B, samples] that comes closest; its memory is used again by the next call."""
        return self.frames.synthesise(spectrum, self._wave)

    def consistent(self, spectrum: Tensor) -> Tensor:
        """The closest spectra that a waveform has, in memory of their own."""
        return self.frames.project(spectrum, self._wave)

    def fast_griffin_lim(self, spectrum: Tensor, iterations: int, momentum: float) -> Tensor:
        """Rounds of both projections from spectra with the wanted magnitudes -> padded waveform [B, samples].

        Each goes `momentum` times its own change beyond where the projections lead.
        Perraudin, Balazs & Søndergaard, A Fast Griffin-Lim Algorithm, 2013, section 3.
        """
        previous: Tensor | None = None
        for _ in range(iterations):
            consistent = self.consistent(spectrum)
            if previous is None:
                spectrum = consistent.clone()
            else:  # consistent + momentum * (consistent - previous), in the memory of the latter
                torch.view_as_real(previous).lerp_(torch.view_as_real(consistent), 1 + momentum)
                spectrum = previous
            self.with_magnitude_(spectrum)
            previous = consistent
        return self.wave(spectrum)
