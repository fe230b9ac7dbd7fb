"""The `griffin-lim` vocoder: phases found by projecting in turn on the magnitudes and on what a waveform can give.

Griffin & Lim, Signal Estimation from Modified Short-Time Fourier Transform, 1984; the momentum is the fast Griffin-Lim
algorithm of Perraudin, Balazs & Søndergaard, A Fast Griffin-Lim Algorithm, 2013, section 3.
"""

from __future__ import annotations

from torch import Tensor

from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.magnitudes import MagnitudeVocoder, polar
from genvae_plugins.vocoders.rounds import Rounds


class GriffinLim(MagnitudeVocoder):
    """Fast Griffin-Lim for batches on any device; not differentiable.

    It starts from random phases if a generator (of any device) is given, else from one fixed set of them for every
    clip: this is the method as the literature measures it. `pghi-refined` starts from phases that fit the magnitudes.
    """

    name = "griffin-lim"
    draws = True

    def _tools(self, frames: Frames, clips: int) -> Rounds:
        return Rounds(frames, clips)

    def _reconstruct(self, frames: Frames, tools: Rounds, logs: Tensor, turns: Tensor | None) -> Tensor:
        assert turns is not None  # as `draws` says
        magnitude, options = logs.exp(), self.options
        return tools.run(magnitude, polar(magnitude, turns), options.iterations, momentum=options.momentum)
