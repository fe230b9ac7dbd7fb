"""Rounds of Griffin-Lim with momentum, over all frames at once or over one half of them after the other."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.magnitudes import with_magnitude_


class Rounds:
    """Spectra that are brought to the wanted magnitudes, and to what the waveform that they overlap to has, in turn.

    With one turn a round is that of fast Griffin-Lim: all frames are found anew from the waveform to which all of the
    old ones overlap, as Jacobi's method solves linear equations. With two turns the even frames are found first, then
    the odd ones from a waveform that has the new even ones in it, as in the method of Gauss and Seidel. That takes as
    many FFTs, each over half of the memory, and leads deeper; docs/vocoders.md says how much.

    It is made for some frames once and takes one batch of clips after the other. No memory is taken in a round but that
    of the FFTs' results; with one clip at a time most of it stays in a core's own cache.

    Args:
        frames: the frames of the waveforms.
        clips: B, how many at a time.
        turns: 1 or 2.
    """

    def __init__(self, frames: Frames, clips: int, *, turns: int = 1) -> None:
        turns = min(turns, frames.frames)
        self._samples = frames.samples
        self._parts = [_Part(frames, clips, first, turns) for first in range(turns)]

    def run(
        self, magnitude: Tensor, spectrum: Tensor, iterations: int, *, momentum: float, relaxation: float = 0.0
    ) -> Tensor:
        """Do some rounds -> the padded waveform [B, samples], whose memory is used again by the next call.

        The spectra x become c + momentum * (c - those of the round before) + relaxation * (c - x), brought to the
        wanted magnitudes, where c are those that the waveform has. Without relaxation that is Perraudin, Balazs &
        Søndergaard, A Fast Griffin-Lim Algorithm, 2013, section 3; with it the projection goes beyond its aim, as in
        successive over-relaxation.

        Args:
            magnitude: that is wanted, [B, frames, bins].
            spectrum: with that magnitude, to start from, [B, frames, bins].
        """
        for part in self._parts:
            part.begin(magnitude, spectrum)
        # 1 / (1 + relaxation) of the sum above, as the length of x plays no part.
        lead, pull = 1 + momentum / (1 + relaxation), relaxation / (1 + relaxation)
        for iteration in range(iterations):
            for part in self._parts:
                part.update(self._overlapped(part.free), lead if iteration else 1.0, pull)
        return self._overlapped(self._parts[0].free)[:, : self._samples]

    def _overlapped(self, out: Tensor) -> Tensor:
        """The waveform that all frames overlap to, [B, room]."""
        first, *others = self._parts
        return torch.add(first.sum, others[0].sum, out=out) if others else out.copy_(first.sum)


class _Part:
    """The frames of one turn: every one, or every second.

    Attributes:
        sum: these frames' share of the waveform, [B, room], where room is the padded waveform and a little more.
        free: memory for a waveform that `update` may be given, [B, room].
    """

    def __init__(self, frames: Frames, clips: int, first: int, turns: int) -> None:
        self._mine = slice(first, None, turns)
        self._n_fft, self._window = frames.n_fft, frames.window
        count, hop, begin = len(range(first, frames.frames, turns)), turns * frames.hop, first * frames.hop
        room = (frames.frames + turns - 1) * frames.hop + -(-frames.n_fft // hop) * hop
        weights = functional.pad(frames.weights, (0, room - frames.samples))
        self.sum = weights.new_zeros(clips, room)
        self._waves = [torch.zeros_like(self.sum) for _ in range(2)]
        self._gain = weights.new_empty(clips, count, frames.n_fft // 2 + 1)
        self._pieces = weights.new_empty(clips, count, frames.n_fft)
        # Making a view can cost as much as what is done with it, so all that can be made once are made here.
        end = begin + (count - 1) * hop + frames.n_fft
        self._frames = [wave[:, begin:end].unfold(1, frames.n_fft, hop) for wave in self._waves]
        self._after = self.sum[:, begin + count * hop :]  # what the first of the places does not reach
        self._places = []
        for start in range(0, frames.n_fft, hop):
            size, place = min(hop, frames.n_fft - start), slice(begin + start, begin + start + count * hop)
            blocks = self.sum[:, place].view(clips, count, hop)[:, :, :size]
            weighted = weights[place].view(count, hop)[:, :size] * frames.window[start : start + size]
            self._places.append((start, size, blocks, weighted))

    def begin(self, magnitude: Tensor, spectrum: Tensor) -> None:
        """Take this turn's frames of [B, frames, bins]."""
        self._magnitude = magnitude[:, self._mine].contiguous()
        self._now = 0  # which of the two waveforms is free
        self.free = self._waves[0]
        self._keep(spectrum[:, self._mine].contiguous())

    def update(self, wave: Tensor, lead: float, pull: float) -> None:
        """Find these frames anew from what all frames overlap to now, `wave`, which is `free`."""
        # Spectra follow from a waveform linearly, so their momentum is that of the waveform, which is smaller.
        before = 1 - self._now
        ahead = self._waves[before]
        _ = ahead.copy_(wave) if lead == 1 else ahead.lerp_(wave, lead)
        spectrum = torch.fft.rfft(torch.mul(self._frames[before], self._window, out=self._pieces))
        self.free, self._now = ahead, before
        if pull:
            torch.view_as_real(spectrum).sub_(self._before, alpha=pull)
        self._keep(with_magnitude_(spectrum, self._magnitude, self._gain))

    def _keep(self, spectrum: Tensor) -> None:
        self._before = torch.view_as_real(spectrum)
        pieces = torch.fft.irfft(spectrum, n=self._n_fft)
        self._after.zero_()
        for start, size, blocks, weighted in self._places:
            piece = pieces.narrow(2, start, size)
            _ = blocks.addcmul_(piece, weighted) if start else torch.mul(piece, weighted, out=blocks)
