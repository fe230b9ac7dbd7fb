"""Turns a sound stream into clips of one length: mixed to mono, resampled, padded at the end, checked for NaN."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from genvae.errors import AudioError
from genvae.interfaces.dataset import SoundStream

FULL_SCALE = 32768
"""What ±1 becomes in int16. A power of two, so that 16-bit recordings at the store's rate are kept bit by bit."""

_BLOCK_VALUES = 1 << 17  # values in a block, whatever the number of channels
_CEILING = 8.0  # far above full scale, where everything saturates; keeps absurd floats from overflowing the filter
_GROUP = 1 << 16  # samples that are turned into clips at a time, where clips are shorter
_REACH = 128  # samples of the slower rate: more than half the length of soxr's filter


@dataclass(frozen=True)
class Clips:
    """Some clips in their order.

    number: of the first, counted in clips from the recording's start. samples: int16 [n, clip_samples].
    finite: bool [n], False where NaN or infinity stood in the clip or within the resampler's reach.
    clipped: bool [n], True where the sound went over full scale and was cut off there.
    """

    number: int
    samples: NDArray[np.int16]
    finite: NDArray[np.bool_]
    clipped: NDArray[np.bool_]


class Chopper:
    """Chops one stream; iterate over it once.

    Attributes, which count as the iteration goes:
        frames: sample frames decoded, at the stream's rate.
        error: why the stream stopped before its end, or None.
    """

    def __init__(self, stream: SoundStream, *, sample_rate: int, clip_samples: int) -> None:
        self.frames = 0
        self.error: AudioError | None = None
        self._stream = stream
        self._clip = clip_samples
        self._ratio = sample_rate / stream.sample_rate
        self._resampler = None
        if sample_rate != stream.sample_rate:
            self._resampler = soxr.ResampleStream(stream.sample_rate, sample_rate, 1, dtype="float32")
        self._waiting = np.empty(clip_samples * max(1, _GROUP // clip_samples), np.float32)  # samples at the new rate
        self._filled = 0
        self._number = 0
        self._bad: set[int] = set()  # numbers of clips to come that NaN or infinity touches

    def __iter__(self) -> Iterator[Clips]:
        frames = max(_BLOCK_VALUES // self._stream.channels, 64)
        try:
            for block in self._stream.blocks(frames):
                mono = self._finite(_mono(block))
                self.frames += len(mono)
                yield from self._chop(self._resample(mono, last=False))
        except AudioError as error:
            self.error = error  # what came before it is good
        yield from self._chop(self._resample(np.zeros(0, np.float32), last=True))
        if self._filled:
            whole = -(-self._filled // self._clip) * self._clip
            self._waiting[self._filled : whole] = 0
            yield self._clips(self._waiting[:whole])

    def shortfall(self) -> str:
        """How far the stream, read to its end, fell short of what it declares, and why; empty if it did not."""
        rate = self._stream.sample_rate
        declared, seconds = (self._stream.frames or 0) / rate, self.frames / rate
        if self.error is None and declared <= seconds:
            return ""
        length = f"declares {declared:.3f} s, decoded" if declared > seconds else "decoded"
        return f"{length} {seconds:.3f} s{f': {self.error}' if self.error else ''}"

    def _finite(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        """Make what is not finite zero, since it would spread through the resampler, and remember its clips."""
        if not len(mono) or (mono.max() <= _CEILING and mono.min() >= -_CEILING):  # neither is true where there is NaN
            return mono
        finite = np.isfinite(mono)
        if not finite.all():
            at = self.frames + np.flatnonzero(~finite)
            reach = 0.0 if self._resampler is None else _REACH / min(self._ratio, 1.0)  # in frames of the stream
            inside = 2 * reach * self._ratio / self._clip  # clips that the reach can cover, where they are short
            for shift in np.linspace(-reach, reach, 3 + int(inside)):
                clips = np.floor(np.maximum(at + shift, 0) * self._ratio / self._clip)
                self._bad.update(np.unique(clips).astype(np.int64).tolist())
        return np.clip(np.where(finite, mono, np.float32(0)), -_CEILING, _CEILING)

    def _resample(self, mono: NDArray[np.float32], *, last: bool) -> NDArray[np.float32]:
        if self._resampler is None:
            return mono
        resampled: NDArray[np.float32] = self._resampler.resample_chunk(mono, last=last)
        return resampled

    def _chop(self, samples: NDArray[np.float32]) -> Iterator[Clips]:
        while len(samples):
            taken = samples[: len(self._waiting) - self._filled]
            self._waiting[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            samples = samples[len(taken) :]
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


def _mono(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the channels, [n, channels] -> [n]; channel by channel, which is faster than along the short axis."""
    channels = block.shape[1]
    if channels == 1:
        return np.ascontiguousarray(block[:, 0], dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # overflow and NaN are looked for next
        mono = np.add(block[:, 0], block[:, 1], dtype=np.float32)
        for channel in range(2, channels):
            mono += block[:, channel]
        mono /= np.float32(channels)
    return mono
