"""The `pghi-refined` and `raar` vocoders: phases from the phase gradient, then rounds of projection."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from genvae import FeatureSpec
from genvae_plugins.vocoders import ridges
from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.magnitudes import MagnitudeVocoder, polar
from genvae_plugins.vocoders.projections import Projections
from genvae_plugins.vocoders.rounds import Rounds

_TOLERANCE = 1e-4  # the rounds soon forget what the softest bins began with
_RELAXATION = 0.5
"""Of what was tried with a momentum of 0 to 0.99 it led deepest on blurred magnitudes, in 8, 16 and 32 rounds."""


class _Refined(MagnitudeVocoder):
    """Starts from integrated phase gradients: `ridges` runs on any device, `queue` is that of the `pghi` vocoder."""

    def __init__(self, options: Any, *, spec: FeatureSpec) -> None:
        super().__init__(options, spec=spec)
        self.draws = options.start == "queue"

    def _reconstruct(self, frames: Frames, tools: Any, logs: Tensor, turns: Tensor | None) -> Tensor:
        magnitude = logs.exp()
        if turns is None:
            start = ridges.phases(logs, self.spec)
        else:
            from genvae_plugins.vocoders import pghi  # here, as it brings a compiler that the other start does without

            start = pghi.phases(logs, turns, self.spec, _TOLERANCE)
        return self._refine(frames, tools, magnitude, polar(magnitude, start))

    @abstractmethod
    def _refine(self, frames: Frames, tools: Any, magnitude: Tensor, spectrum: Tensor) -> Tensor:
        """Magnitudes and spectra that have them, [B, frames, bins] -> padded waveform [B, samples]."""


class PghiRefined(_Refined):
    """Griffin-Lim by turns, with momentum and relaxation, from phases that fit the magnitudes already."""

    name = "pghi-refined"

    def _tools(self, frames: Frames, clips: int) -> Rounds:
        return Rounds(frames, clips, turns=2)

    def _refine(self, frames: Frames, tools: Rounds, magnitude: Tensor, spectrum: Tensor) -> Tensor:
        options = self.options
        return tools.run(magnitude, spectrum, options.iterations, momentum=options.momentum, relaxation=_RELAXATION)


class Raar(_Refined):
    """Relaxed averaged alternating reflections, for quality at any cost where the magnitudes are those of a sound.

    Luke, Relaxed Averaged Alternating Reflections for Diffraction Imaging, 2005, algorithm 2.1, with the projection on
    the magnitudes first. A beta close to one explores far and does not settle, least of all for magnitudes that no
    sound has; so the last fifth of the rounds lets it fall to 0.5, as Luke's section 4 lets it change with the rounds.
    """

    name = "raar"

    def _refine(self, frames: Frames, tools: Any, magnitude: Tensor, spectrum: Tensor) -> Tensor:
        projections = Projections(frames, magnitude)
        point, fitting = spectrum.clone(), spectrum  # the second always has the wanted magnitudes
        reflected = torch.empty_like(spectrum)
        for iteration in range(self.options.iterations):
            beta = self._beta(iteration)
            torch.sub(fitting, point, out=reflected).add_(fitting)
            # beta / 2 (R_C R_A + 1) + (1 - beta) P_A, where R_A is `reflected` and R_C twice a projection less itself
            point.add_(projections.consistent(reflected)).mul_(beta).add_(fitting, alpha=1 - 2 * beta)
            projections.with_magnitude_(fitting.copy_(point))
        return projections.wave(fitting)

    def _beta(self, iteration: int) -> float:
        """The relaxation of a round."""
        left: float = 5 * (1 - iteration / self.options.iterations)  # in fifths of all rounds
        beta: float = self.options.beta
        return min(beta, 0.5) + max(0.0, beta - 0.5) * min(1.0, left)
