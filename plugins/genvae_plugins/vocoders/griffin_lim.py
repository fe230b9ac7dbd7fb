"""The `griffin-lim` vocoder: phases found by projecting in turn on the magnitudes and on what a waveform can give.

Griffin & Lim, Signal Estimation from Modified Short-Time Fourier Transform, 1984; the momentum is the fast Griffin-Lim
algorithm of Perraudin, Balazs & Søndergaard, A Fast Griffin-Lim Algorithm, 2013, section 3.
"""

from __future__ import annotations

from torch import Tensor

from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.magnitudes import IterativeVocoder
from genvae_plugins.vocoders.rounds import Rounds


class GriffinLim(IterativeVocoder):
    """Fast Griffin-Lim for batches on any device; not differentiable.

    It starts from random phases if a generator (of any device) is given, else from one fixed set of them for every
    clip: this is the method as the literature measures it. `pghi-refined` starts from phases that fit the magnitudes.
    """

    name = "griffin-lim"
    draws = True

    def _tools(self, frames: Frames, clips: int) -> Rounds:
        return Rounds(frames, clips)

    def _phases(self, logs: Tensor, drawn: Tensor | None) -> Tensor:
        assert drawn is not None  # as `draws` says
        return drawn

    def _refine(self, frames: Frames, tools: Rounds, magnitude: Tensor, spectrum: Tensor) -> Tensor:
        return tools.run(magnitude, spectrum, self.options.iterations, momentum=self.options.momentum)
