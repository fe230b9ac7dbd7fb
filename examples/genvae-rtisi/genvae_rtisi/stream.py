"""RTISI-LA, frame by frame: magnitudes go in, samples that are final come out.

Zhu, Beauregard & Wyse, Real-Time Signal Estimation from Modified Short-Time Fourier Transform Magnitude Spectra, 2007:
each frame is estimated from what the frames before it have already put where it overlaps them, and again in every round
while it and the frames that it must agree with are in the buffer.
"""

from __future__ import annotations

import torch
from torch import Tensor

_FAINT = 1e-3  # of the largest sum of squared windows: below it, dividing would only raise noise


class Stream:
    """The state between frames: what is already given out, and the frames that may still change.

    Args:
        window: [n_fft], of analysis and synthesis. hop: samples between frames. look_ahead: frames that are waited for.
        iterations: rounds for each new frame. silent: samples at the beginning that are known to be zero, such as the
            half window that a centred transform puts before the signal.
    """

    def __init__(self, *, window: Tensor, hop: int, look_ahead: int, iterations: int, silent: int = 0) -> None:
        self.window, self.hop, self.look_ahead, self.iterations = window, hop, look_ahead, iterations
        self.n_fft = len(window)
        self._silent = silent  # samples from the start of the buffer that are known to be zero
        self._magnitudes: list[Tensor] = []  # [B, bins] each, of the frames that may still change
        self._pieces: list[Tensor] = []  # [B, n_fft] each: those frames, windowed
        self._sum: Tensor | None = None  # [B, samples], what the frames that are fixed add to the buffer
        self._weight = window.new_zeros(self.n_fft + look_ahead * hop)  # the sum of their squared windows

    def push(self, magnitude: Tensor) -> Tensor:
        """Take the magnitudes of the next frame [B, bins]; give the samples that are now final, [B, hop] or [B, 0]."""
        if self._sum is None:
            self._sum = magnitude.new_zeros(len(magnitude), len(self._weight))
        self._magnitudes.append(magnitude)
        self._pieces.append(self._first_estimate(magnitude))
        for _ in range(self.iterations):
            self._estimate_again()
        if len(self._pieces) <= self.look_ahead:
            return magnitude.new_zeros(len(magnitude), 0)
        return self._give_out()

    def finish(self) -> Tensor:
        """The rest, [B, samples]: what still waits, and what rings on after the last frame."""
        assert self._sum is not None, "push a frame first"
        parts = []
        while self._pieces:
            parts.append(self._give_out())
        parts.append(self._divided(self._sum, self._weight)[:, : self.n_fft - self.hop])
        return torch.cat(parts, dim=1)

    def _first_estimate(self, magnitude: Tensor) -> Tensor:
        """A new frame, with the phases of what those before it have put there: [B, n_fft]."""
        seen = self._signal()[:, (len(self._magnitudes) - 1) * self.hop :][:, : self.n_fft]
        return self._with_magnitude(torch.fft.rfft(seen * self.window), magnitude)

    def _estimate_again(self) -> None:
        """One round: every frame of the buffer takes the phases of the signal that they all make."""
        count = len(self._pieces)
        signal = self._signal()[:, : self.n_fft + (count - 1) * self.hop]
        spectra = torch.fft.rfft(signal.unfold(1, self.n_fft, self.hop) * self.window)  # [B, frames, bins]
        pieces = self._with_magnitude(spectra, torch.stack(self._magnitudes, dim=1))
        self._pieces = list(pieces.unbind(1))

    def _with_magnitude(self, spectrum: Tensor, magnitude: Tensor) -> Tensor:
        """Spectra [..., bins] with these magnitudes and their own phases -> windowed frames [..., n_fft]."""
        size = spectrum.abs()
        # Where there is nothing yet, a pulse in the middle of the frame: seen from its start, half a turn a bin.
        pulse = torch.ones_like(magnitude)
        pulse[..., 1::2] = -1
        phase = torch.where(size > 1e-7 * magnitude, spectrum / size.clamp_min(1e-20), pulse.to(spectrum.dtype))
        return torch.fft.irfft(phase * magnitude, n=self.n_fft) * self.window

    def _signal(self) -> Tensor:
        """What the fixed frames and those of the buffer make together, [B, samples]."""
        assert self._sum is not None
        total, weight = self._sum.clone(), self._weight.clone()
        for index, piece in enumerate(self._pieces):
            place = slice(index * self.hop, index * self.hop + self.n_fft)
            total[:, place] += piece
            weight[place] += self.window.square()
        return self._divided(total, weight)

    def _divided(self, total: Tensor, weight: Tensor) -> Tensor:
        """The least-squares signal of overlapping frames (Griffin & Lim 1984, equation 6), zero where it must be."""
        signal = total / weight.clamp_min(_FAINT * float(self.window.square().max()))
        signal[:, : self._silent] = 0
        return signal

    def _give_out(self) -> Tensor:
        """Fix the oldest frame, and give the samples that no later frame reaches: [B, hop]."""
        assert self._sum is not None
        self._magnitudes.pop(0)
        self._sum[:, : self.n_fft] += self._pieces.pop(0)
        self._weight[: self.n_fft] += self.window.square()
        samples = self._divided(self._sum, self._weight)[:, : self.hop].clone()
        self._sum = torch.nn.functional.pad(self._sum[:, self.hop :], (0, self.hop))
        self._weight = torch.nn.functional.pad(self._weight[self.hop :], (0, self.hop))
        self._silent = max(0, self._silent - self.hop)
        return samples
