"""A sound stream in mono at the rate that is wanted, and what was noticed about it on the way."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from genvae.audio.stretches import Damage
from genvae.errors import AudioError
from genvae.interfaces.dataset import SoundStream

_BLOCK_VALUES = 1 << 17  # values in a block, whatever the number of channels
_CEILING = 8.0  # far above full scale, where everything saturates; keeps absurd floats from overflowing the filter
_REACH = 128  # samples of the slower rate: more than half the length of soxr's filter
_LOOKED_AT = 16384  # frames at the beginning of a block, where the power of channels and mean is compared
_STRIDE = 61  # of those frames: enough to tell whether channels cancel
_CANCELS = 0.01  # power of the mean of the channels, of theirs: 20 dB below
_SOUNDS = 1e-8  # power of a block that is not silent
_FULL = 0.9999  # what counts as full scale
_SQUARE = 0.1  # of the frames at full scale: more than the loudest of masters has
_TOLD = 8  # places of damage that are told one by one


class MonoStream:
    """Mixes one stream to mono and resamples it; iterate over it once.

    Args:
        stream: that is read.
        sample_rate: of what comes out, in Hz; None for the stream's own.
        channel: the one to take, counted from 0; None for the mean of all.

    Attributes:
        sample_rate: of what comes out, in Hz.
        frames: sample frames so far, at the stream's rate; silence that stands for lost sound is among them.
        error: why the stream stopped before its end, or None.
        peak: of the finite samples so far; ±1 is full scale.
        full: frames at full scale or over it.
        not_finite: spans [n, 2] of samples of what comes out, first and last, that NaN or infinity touches, also
            through the resampler. A block's spans are there before the block is yielded.
        damaged: the same of what damage touches.
    """

    def __init__(self, stream: SoundStream, *, sample_rate: int | None = None, channel: int | None = None) -> None:
        self.sample_rate = sample_rate or stream.sample_rate
        self.frames = 0
        self.error: AudioError | None = None
        self.peak = 0.0
        self.full = 0
        self.not_finite: list[NDArray[np.float64]] = []
        self.damaged: list[NDArray[np.float64]] = []
        self._stream, self._channel = stream, channel
        self._ratio = self.sample_rate / stream.sample_rate
        self._resampler = None
        if self.sample_rate != stream.sample_rate:
            self._resampler = soxr.ResampleStream(stream.sample_rate, self.sample_rate, 1, dtype="float32")
        self._reach = 0.0 if self._resampler is None else _REACH / min(self._ratio, 1.0)  # in frames of the stream
        self._damage_seen = 0
        self._powers = np.zeros(stream.channels)
        self._sounds = self._cancels = False  # what was found of the last block
        self._sounding = self._cancelling = 0  # frames

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        frames = max(_BLOCK_VALUES // self._stream.channels, 64)
        try:
            for block in self._stream.blocks(frames):
                mono = self._mono(block)
                self._mark_damage()
                self.frames += len(mono)
                yield self._resample(mono, last=False)
        except AudioError as error:
            self.error = error  # what came before it is good
        self._mark_damage()
        yield self._resample(np.zeros(0, np.float32), last=True)

    @property
    def damage(self) -> Sequence[Damage]:
        """Where sound was found to be missing so far; a stream that knows of none need not have the attribute."""
        damage: Sequence[Damage] = getattr(self._stream, "damage", ())
        return damage

    @property
    def loudest(self) -> int:
        """The first channel that is as strong as any."""
        return int(np.argmax(self._powers >= 0.99 * self._powers.max()))

    @property
    def cancels(self) -> bool:
        """Whether the channels cancel each other in most of the sound, so that one of them should be taken alone."""
        return 2 * self._cancelling > self._sounding

    def remarks(self) -> list[str]:
        """What a listener should know of the sound, read to its end."""
        rate = self._stream.sample_rate
        remarks = []
        if self._channel is not None:
            remarks.append(f"its channels cancel each other in mono, so channel {self._channel + 1} was taken alone")
        elif self._cancelling > rate:
            seconds = f"{self._cancelling / rate:.0f} of {self.frames / rate:.0f} s"
            remarks.append(f"its channels cancel each other in mono in {seconds}")
        if self.peak > _CEILING:
            remarks.append(f"its samples reach {self.peak:.6g}, with full scale at 1: integers stored as floats")
        if self.full > _SQUARE * self.frames:
            remarks.append(
                f"it stands at full scale for {self.full / self.frames:.0%} of its time, as a square wave does"
            )
        return remarks

    def shortfall(self) -> str:
        """What is missing of the stream, read to its end, and why; empty if nothing is."""
        rate = self._stream.sample_rate
        declared, missing = self._stream.frames or 0, sum(each.end - each.start for each in self.damage)
        clauses = []
        if self.error is not None or declared > self.frames:
            length = f"declares {declared / rate:.3f} s, decoded" if declared > self.frames else "decoded"
            why = f": {self.error}" if self.error else ""
            clauses.append(f"{length} {(self.frames - missing) / rate:.3f} s{why}")
        if self.damage:
            clauses.append("sound is missing " + _places(self.damage, rate))
        return "; ".join(clauses)

    def _mono(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """One channel, or the mean of them, [n, channels] -> [n]."""
        channels = block.shape[1]
        if channels == 1 or self._channel is not None:
            return self._finite(np.ascontiguousarray(block[:, self._channel or 0], dtype=np.float32))
        with np.errstate(over="ignore", invalid="ignore"):  # overflow and NaN are looked for next
            # Channel by channel, which is faster than along the short axis.
            mono = np.add(block[:, 0], block[:, 1], dtype=np.float32)
            for channel in range(2, channels):
                mono += block[:, channel]
            mono /= np.float32(channels)
            self._compare(block[:_LOOKED_AT:_STRIDE], mono[:_LOOKED_AT:_STRIDE])
        self._sounding += len(block) if self._sounds else 0
        self._cancelling += len(block) if self._sounds and self._cancels else 0
        return self._finite(mono)

    def _compare(self, block: NDArray[np.float32], mono: NDArray[np.float32]) -> None:
        """Compare the power of some frames with that of their mean."""
        powers = np.array([np.dot(block[:, channel], block[:, channel]) for channel in range(block.shape[1])])
        mean = float(powers.sum()) / block.shape[1]
        self._sounds = _SOUNDS * len(block) < mean < math.inf
        if self._sounds:
            self._powers += powers
            self._cancels = float(np.dot(mono, mono)) < _CANCELS * mean

    def _finite(self, mono: NDArray[np.float32]) -> NDArray[np.float32]:
        """Make what is not finite zero, since it would spread through the resampler, and remember where it was."""
        if not len(mono):
            return mono
        high, low = mono.max(), mono.min()
        if high <= _CEILING and low >= -_CEILING:  # neither is true where there is NaN
            self._measure(mono, max(float(high), -float(low)))
            return mono
        finite = np.isfinite(mono)
        if finite.any():
            self._measure(mono[finite], float(np.abs(mono[finite]).max()))
        if not finite.all():
            at = self.frames + np.flatnonzero(~finite)
            apart = np.flatnonzero(np.diff(at) > 1) + 1
            first, last = at[np.concatenate([[0], apart])], at[np.concatenate([apart - 1, [-1]])]
            self.not_finite.append(self._spans(first, last))
        return np.clip(np.where(finite, mono, np.float32(0)), -_CEILING, _CEILING)

    def _measure(self, mono: NDArray[np.float32], peak: float) -> None:
        self.peak = max(self.peak, peak)
        if peak >= _FULL:
            self.full += int(np.count_nonzero(np.abs(mono) >= _FULL))

    def _mark_damage(self) -> None:
        for each in self.damage[self._damage_seen :]:
            first, last = each.start - each.spread, max(each.end - 1, each.start) + each.spread
            self.damaged.append(self._spans(np.array([first]), np.array([last])))
        self._damage_seen = len(self.damage)

    def _spans(self, first: NDArray[Any], last: NDArray[Any]) -> NDArray[np.float64]:
        """Frames of the stream, [n] each, as spans of samples [n, 2]."""
        spans: NDArray[np.float64] = np.stack([first - self._reach, last + self._reach], axis=1) * self._ratio
        return np.maximum(spans, 0)

    def _resample(self, mono: NDArray[np.float32], *, last: bool) -> NDArray[np.float32]:
        if self._resampler is None:
            return mono
        resampled: NDArray[np.float32] = self._resampler.resample_chunk(mono, last=last)
        return resampled


def _places(damage: Sequence[Damage], rate: int) -> str:
    """Where sound is missing, in seconds, with the reasons."""
    places = []
    for each in damage[:_TOLD]:
        begin, end = f"{each.start / rate:.3f}", f"{each.end / rate:.3f}"
        places.append(f"{f'at {begin}' if each.start == each.end else f'from {begin} to {end}'} s ({each.why})")
    if len(damage) > _TOLD:
        places.append(f"at {len(damage) - _TOLD} more places, the last at {damage[-1].start / rate:.3f} s")
    return ", ".join(places)
