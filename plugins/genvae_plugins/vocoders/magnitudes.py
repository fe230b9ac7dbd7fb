"""What the vocoders of log magnitudes share: the spectrogram that they accept, and the walk over the clips."""

from __future__ import annotations

import math
import threading
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from genvae import FeatureSpec, Vocoder, windows
from genvae_plugins.threads import over_threads
from genvae_plugins.vocoders.frames import Frames

_LEAST_LOG = -80.0  # logarithms of magnitudes are kept finite; what lies below rounds to zero in float32 either way

_CIRCLE = np.exp(2j * np.pi * np.arange(1 << 14) / (1 << 14)).astype(np.complex64)
"""The unit circle, to look sines and cosines up: half as long as to compute them."""


class MagnitudeVocoder(Vocoder):
    """A vocoder that finds phases for natural-log magnitudes; not differentiable.

    A child says in `name` who it is, in `draws` whether it wants random phases, and finds a waveform in `_reconstruct`.
    Without a generator, every clip gets the same fixed set of "random" phases.
    """

    name: ClassVar[str]
    draws: bool = False
    window: Tensor

    def __init__(self, options: Any, *, spec: FeatureSpec) -> None:
        super().__init__(options, spec=spec)
        spec.require(self.name, kind="magnitude", scale="log", window=windows.NAMES, bins=spec.n_fft // 2 + 1)
        self.options = options
        self.register_buffer("window", windows.of(spec), persistent=False)

    def forward(
        self, spectrogram: Tensor, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Natural-log magnitudes [B, bins, frames] -> waveform [B, length].

        A clip with a value that is not a number, or infinite, comes out as not a number; minus infinity is silence.
        """
        frames = Frames(self.spec, self.window, spectrogram.shape[2], length)
        if not len(spectrogram):
            return self.window.new_zeros(0, frames.length)
        logs = spectrogram.detach().to(self.window).transpose(1, 2)  # [B, frames, bins]
        sound = logs.amax((1, 2)) < math.inf  # [B]; false for what is not a number, too
        if broken := not bool(sound.all()):
            logs = torch.where(sound[:, None, None], logs, _LEAST_LOG)
        turns = self._turns(logs, generator) if self.draws else None

        # A CPU takes clip by clip: each then stays in its cache, and gives the same whatever else is in the batch.
        step = 1 if logs.device.type == "cpu" else len(logs)
        own = threading.local()

        def reconstruct(rows: slice) -> Tensor:
            if not hasattr(own, "tools"):
                own.tools = self._tools(frames, step)
            part = logs[rows].clamp_min(_LEAST_LOG).contiguous()
            drawn = None if turns is None else turns[rows]
            return frames.trim(self._reconstruct(frames, own.tools, part, drawn)).clone()

        wave = torch.cat(over_threads(reconstruct, [slice(row, row + step) for row in range(0, len(logs), step)]))
        return wave.masked_fill(~sound[:, None], math.nan) if broken else wave

    def _tools(self, frames: Frames, clips: int) -> Any:
        """What `_reconstruct` can use again and again for so many clips at a time; each thread has its own."""
        return None

    @abstractmethod
    def _reconstruct(self, frames: Frames, tools: Any, logs: Tensor, turns: Tensor | None) -> Tensor:
        """Log magnitudes [B, frames, bins] and random phases in turns -> padded waveform [B, samples]."""

    def _turns(self, logs: Tensor, generator: torch.Generator | None) -> Tensor:
        """Random phases in turns, of the shape of `logs` [B, frames, bins]."""
        if generator is not None:
            return torch.rand(logs.shape, generator=generator, device=generator.device).to(logs)
        return torch.rand(logs.shape[1:], generator=torch.Generator().manual_seed(0)).to(logs).expand(logs.shape)


def polar(magnitude: Tensor, turns: Tensor) -> Tensor:
    """Spectra [B, frames, bins] of these magnitudes and phases in turns, real at both ends as those of real signals.

    A phase that the lowest and the highest bin can't have would take from their level, and rounds of projection do not
    soon repair it. On a CPU phases are rounded to 1/16384 of a turn, which moves a spectrum by no more than -75 dB.
    """
    if magnitude.device.type == "cpu":
        places = torch.mul(turns, len(_CIRCLE)).round_().to(torch.int64).bitwise_and_(len(_CIRCLE) - 1)
        spectrum = torch.from_numpy(_CIRCLE.take(places.numpy())).mul_(magnitude)
    else:
        angle = (turns - turns.round()).mul_(2 * math.pi)
        spectrum = torch.complex(angle.cos().mul_(magnitude), angle.sin().mul_(magnitude))
    parts = torch.view_as_real(spectrum)
    for edge in (0, -1):
        spectrum[..., edge] = magnitude[..., edge].copysign(parts[..., edge, 0])
    return spectrum


def modulus(spectrum: Tensor, out: Tensor) -> Tensor:
    """The magnitudes of spectra, written to `out`; by way of NumPy on a CPU, as that is six times faster than torch."""
    if spectrum.device.type == "cpu":
        np.abs(spectrum.numpy(), out=out.numpy())
        return out
    return torch.abs(spectrum, out=out)
