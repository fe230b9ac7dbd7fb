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

_WORTH_A_THREAD = 1 << 17
"""Values of a clip's spectrogram from which threads get ahead. Each passes the interpreter's lock on some hundred times
a clip; with clips of 1 and 2 s two were no quicker than one, and took 1.6 times the processor time."""

_NEXT_TO_ZERO = 1e-15  # added to magnitudes that something is divided by

_CIRCLE = np.exp(2j * np.pi * np.arange(1 << 14) / (1 << 14)).astype(np.complex64)
"""The unit circle, to look sines and cosines up: half as long as to compute them."""


class MagnitudeVocoder(Vocoder):
    """A vocoder that finds phases for natural-log magnitudes; not differentiable.

    A child says in `name` who it is, in `draws` whether it wants random phases, and finds phases in `_phases`.
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
        return self._waveforms(spectrogram, length, generator, None)

    def _waveforms(
        self, spectrogram: Tensor, length: int | None, generator: torch.Generator | None, initial_phase: Tensor | None
    ) -> Tensor:
        """What `forward` gives, starting from phases in radians [B, bins, frames] where there are any."""
        frames = Frames(self.spec, self.window, spectrogram.shape[2], length)
        if not len(spectrogram):
            return self.window.new_zeros(0, frames.length)
        logs = spectrogram.detach().to(self.window).transpose(1, 2)  # [B, frames, bins]
        sound = logs.amax((1, 2)) < math.inf  # [B]; false for what is not a number, too
        if broken := not bool(sound.all()):
            logs = torch.where(sound[:, None, None], logs, _LEAST_LOG)
        start_phases = None if initial_phase is None else initial_phase.detach().to(self.window).transpose(1, 2)
        drawn = self._drawn(logs, generator) if self.draws and start_phases is None else None

        # A CPU takes clip by clip: each then stays in its cache, and gives the same whatever else is in the batch.
        step = 1 if logs.device.type == "cpu" else len(logs)
        own = threading.local()

        def reconstruct(rows: slice) -> Tensor:
            if not hasattr(own, "tools"):
                own.tools = self._tools(frames, step)
            part = logs[rows].clamp_min(_LEAST_LOG).contiguous()
            magnitude = part.exp()
            if start_phases is None:
                start = polar(magnitude, self._phases(part, None if drawn is None else drawn[rows]))
            else:
                start = _real_at_both_ends(torch.polar(magnitude, start_phases[rows].contiguous()), magnitude)
            return frames.trim(self._refine(frames, own.tools, magnitude, start)).clone()

        parts = [slice(row, row + step) for row in range(0, len(logs), step)]
        wave = torch.cat(over_threads(reconstruct, parts, shared=logs[0].numel() >= _WORTH_A_THREAD))
        return wave.masked_fill(~sound[:, None], math.nan) if broken else wave

    def _tools(self, frames: Frames, clips: int) -> Any:
        """What `_refine` can use again and again for so many clips at a time; each thread has its own."""
        return None

    @abstractmethod
    def _phases(self, logs: Tensor, drawn: Tensor | None) -> Tensor:
        """Log magnitudes and random phases in turns -> phases in turns, all [B, frames, bins]."""

    def _refine(self, frames: Frames, tools: Any, magnitude: Tensor, spectrum: Tensor) -> Tensor:
        """Magnitudes and spectra that have them, [B, frames, bins] -> padded waveform [B, samples]."""
        return frames.synthesise(spectrum).flatten(1)

    def _drawn(self, logs: Tensor, generator: torch.Generator | None) -> Tensor:
        """Random phases in turns, of the shape of `logs` [B, frames, bins]."""
        if generator is not None:
            return torch.rand(logs.shape, generator=generator, device=generator.device).to(logs)
        return torch.rand(logs.shape[1:], generator=torch.Generator().manual_seed(0)).to(logs).expand(logs.shape)


class IterativeVocoder(MagnitudeVocoder):
    """One whose rounds, in `_refine`, may start from phases that the caller knows."""

    takes_initial_phase = True

    def forward(
        self,
        spectrogram: Tensor,
        *,
        length: int | None = None,
        generator: torch.Generator | None = None,
        initial_phase: Tensor | None = None,
    ) -> Tensor:
        """Natural-log magnitudes [B, bins, frames] -> waveform [B, length].

        A clip with a value that is not a number, or infinite, comes out as not a number; minus infinity is silence.

        Args:
            spectrogram: natural-log magnitudes [B, bins, frames].
            length: of the waveform in samples, by default `spec.samples(frames)`.
            generator: what random phases are drawn from, where the method wants them and is given no others.
            initial_phase: that the rounds start from instead of their own, in radians [B, bins, frames].
        """
        return self._waveforms(spectrogram, length, generator, initial_phase)


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
    return _real_at_both_ends(spectrum, magnitude)


def _real_at_both_ends(spectrum: Tensor, magnitude: Tensor) -> Tensor:
    """The spectra [B, frames, bins] with a real value of that magnitude in the lowest and the highest bin, in place."""
    parts = torch.view_as_real(spectrum)
    for edge in (0, -1):
        spectrum[..., edge] = magnitude[..., edge].copysign(parts[..., edge, 0])
    return spectrum


def with_magnitude_(spectrum: Tensor, magnitude: Tensor, gain: Tensor) -> Tensor:
    """Give spectra these magnitudes, in place; where they are zero they stay so.

    On a CPU by way of NumPy, with the same result to the bit: its absolute values take a sixth of torch's time, and its
    calls a third.

    Args:
        spectrum: [B, frames, bins].
        magnitude: likewise.
        gain: memory to work in, likewise.
    """
    if spectrum.device.type != "cpu":
        gain = torch.abs(spectrum, out=gain).add_(_NEXT_TO_ZERO)
        return spectrum.mul_(torch.div(magnitude, gain, out=gain))
    values, factors = spectrum.numpy(), gain.numpy()
    np.abs(values, out=factors)
    np.add(factors, np.float32(_NEXT_TO_ZERO), out=factors)
    np.divide(magnitude.numpy(), factors, out=factors)
    np.multiply(values, factors, out=values)
    return spectrum
