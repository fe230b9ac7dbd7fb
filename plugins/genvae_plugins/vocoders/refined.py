"""The `pghi-refined`, `raar` and `admm` vocoders: phases from the phase gradient, then rounds of projection."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from genvae import FeatureSpec
from genvae_plugins.vocoders import ridges
from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.magnitudes import IterativeVocoder
from genvae_plugins.vocoders.projections import Projections
from genvae_plugins.vocoders.rounds import Rounds

_TOLERANCE = 1e-4  # the rounds soon forget what the softest bins began with
_RELAXATION = 0.5
"""Of what was tried with a momentum of 0 to 0.99 it led deepest on blurred magnitudes, in 8, 16 and 32 rounds."""


class _Refined(IterativeVocoder):
    """Starts from integrated phase gradients: `ridges` runs on any device, `queue` is that of the `pghi` vocoder."""

    def __init__(self, options: Any, *, spec: FeatureSpec) -> None:
        super().__init__(options, spec=spec)
        self.draws = options.start == "queue"

    def _phases(self, logs: Tensor, drawn: Tensor | None) -> Tensor:
        if drawn is None:
            return ridges.phases(logs, self.spec)
        from genvae_plugins.vocoders import pghi  # here, as it brings a compiler that the other start does without

        return pghi.phases(logs, drawn, self.spec, _TOLERANCE)


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


class Admm(_Refined):
    """The alternating direction method of multipliers, which like `raar` leaves the hollows that Griffin-Lim stays in.

    Masuyama, Yatabe & Oikawa, Griffin-Lim Like Phase Recovery via Alternating Direction Method of Multipliers, IEEE
    Signal Processing Letters 26(1), 2019. With P_A the projection on the magnitudes and P_C that on what a waveform can
    give, it looks for x in A, equal to z, with the least distance of z from C. A round of the scaled form is

        y = x + u;  z = (rho y + P_C y) / (1 + rho);  u = y - z;  x = P_A(z - u)

    so that u = (y - P_C y) / (1 + rho) and x = P_A(y - 2 u). With rho = 0 the distance is a constraint, z = P_C y, and
    the rounds are those of Douglas and Rachford; with rho = 1 they are Griffin-Lim's, x = P_A P_C x, as P_C u is zero.
    """

    name = "admm"

    def _refine(self, frames: Frames, tools: Any, magnitude: Tensor, spectrum: Tensor) -> Tensor:
        projections = Projections(frames, magnitude)
        total, fitting = spectrum.clone(), spectrum  # y, as u is zero at first, and x
        for _ in range(self.options.iterations):
            multiplier = (total - projections.consistent(total)).div_(1 + self.options.rho)
            projections.with_magnitude_(torch.sub(total, multiplier, alpha=2, out=fitting))
            torch.add(fitting, multiplier, out=total)
        return projections.wave(fitting)
