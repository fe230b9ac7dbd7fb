"""Turns a sound stream into clips of one length: padded at the end, and with what NaN or damage touches marked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genvae.audio.mono import MonoStream
from genvae.interfaces.dataset import SoundStream
from genvae.items import FULL_SCALE

_GROUP = 1 << 18  # samples that are turned into clips at a time, where clips are shorter


@dataclass(frozen=True)
class Clips:
    """Some clips in their order.

    Attributes:
        number: of the first, counted in clips from the recording's start.
        samples: int16 [n, clip_samples].
        finite: bool [n], False where NaN, infinity or damage stood in the clip or within the resampler's reach.
        clipped: bool [n], True where the sound went over full scale and was cut off there.
    """

    number: int
    samples: NDArray[np.int16]
    finite: NDArray[np.bool_]
    clipped: NDArray[np.bool_]


class Chopper:
    """Chops one stream; iterate over it once.

    Args:
        stream: that is read.
        sample_rate: of the clips, in Hz.
        clip_samples: in each clip.
        channel: the one to take, counted from 0; None for the mean of all.

    Attributes:
        mono: the stream in mono, with what was noticed about it.
    """

    def __init__(self, stream: SoundStream, *, sample_rate: int, clip_samples: int, channel: int | None = None) -> None:
        self.mono = MonoStream(stream, sample_rate=sample_rate, channel=channel)
        self._clip = clip_samples
        self._waiting = np.empty(clip_samples * max(1, _GROUP // clip_samples), np.float32)  # samples at the new rate
        self._filled = 0
        self._number = 0
        self._bad: set[int] = set()  # numbers of clips to come that NaN, infinity or damage touches
        self._marked = (0, 0)

    def __iter__(self) -> Iterator[Clips]:
        for samples in self.mono:
            self._mark()
            yield from self._chop(samples)
        if self._filled:
            whole = -(-self._filled // self._clip) * self._clip
            self._waiting[self._filled : whole] = 0
            yield self._clips(self._waiting[:whole])

    def _mark(self) -> None:
        """Turn the spans of samples that are bad into numbers of clips."""
        bad = [*self.mono.not_finite[self._marked[0] :], *self.mono.damaged[self._marked[1] :]]
        self._marked = len(self.mono.not_finite), len(self.mono.damaged)
        for spans in bad:
            for first, last in np.unique(np.floor(spans / self._clip).astype(np.int64), axis=0).tolist():
                self._bad.update(range(max(first, self._number), last + 1))

    def _chop(self, samples: NDArray[np.float32]) -> Iterator[Clips]:
        while len(samples):
            part = samples[: len(self._waiting) - self._filled]
            self._waiting[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            samples = samples[len(part) :]
            if self._filled == len(self._waiting):
                yield self._clips(self._waiting)
                self._filled = 0

    def _clips(self, samples: NDArray[np.float32]) -> Clips:
        """The next clips, of samples that fill them."""
        clips = samples.reshape(-1, self._clip)
        numbers = range(self._number, self._number + len(clips))
        finite = np.array([number not in self._bad for number in numbers])
        self._bad.difference_update(numbers)
        self._number += len(clips)
        high, low = clips.max(axis=1), clips.min(axis=1)
        scaled = clips * np.float32(FULL_SCALE)
        np.rint(scaled, out=scaled)
        if high.max() > (FULL_SCALE - 1) / FULL_SCALE or low.min() < -1:
            np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1, out=scaled)
        return Clips(numbers.start, scaled.astype(np.int16), finite, (high > 1) | (low < -1))
