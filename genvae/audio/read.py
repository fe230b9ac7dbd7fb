"""Reads a sound file to mono: the one door for commands, the page and measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genvae.audio.mono import MonoStream
from genvae.audio.open import open_sound
from genvae.errors import AudioError
from genvae.interfaces.dataset import SoundStream

_FULL_SCALE = np.float32(32768)


@dataclass(frozen=True)
class MonoSound:
    """A sound in mono.

    Attributes:
        wave: float32 [samples] within ±1, as exact as 16 bits are: what a clip of a store would hold.
        sample_rate: in Hz.
        longer: whether the file goes on behind what was wanted.
        shortfall: what is missing in it, and why; empty if nothing is.
        remarks: what else a listener should know of it.
    """

    wave: NDArray[np.float32]
    sample_rate: int
    longer: bool
    shortfall: str
    remarks: tuple[str, ...]


def read_file(path: Path, sample_rate: int | None = None, **part: float) -> MonoSound:
    """Read a sound file, or a part of it, as `read_mono` does; errors name the file.

    Args:
        path: of the file.
        sample_rate: of the result in Hz; None for the file's own.
        part: `start` and `seconds` of `read_mono`.

    Raises:
        AudioError: it can't be opened or read, has no sound there, or holds samples that are not finite.
    """
    try:
        return read_mono(path, sample_rate, **part)
    except OSError as error:
        raise AudioError(f"{path}: {error.strerror}.") from error
    except AudioError as error:
        raise AudioError(f"{path}: {error}.") from error


def read_mono(
    source: Path | Callable[[], SoundStream],
    sample_rate: int | None = None,
    *,
    start: float = 0.0,
    seconds: float | None = None,
) -> MonoSound:
    """Read a sound, or a part of it. Where its channels cancel each other in mono, the loudest is taken alone.

    Args:
        source: a sound file, or a video, whose first sound track is meant; or what opens a stream.
        sample_rate: of the result in Hz; None for the sound's own.
        start: of the part, in seconds.
        seconds: how much is wanted at most; None for all.

    Raises:
        AudioError: it can't be read, has no sound there, or holds samples that are not finite.
        OSError: it can't be opened.
    """
    opens = partial(open_sound, source) if isinstance(source, Path) else source
    sound, channel = _read(opens, sample_rate, start, seconds, None)
    if channel is not None:
        sound, _ = _read(opens, sample_rate, start, seconds, channel)
    return sound


def _read(
    opens: Callable[[], SoundStream], sample_rate: int | None, start: float, seconds: float | None, channel: int | None
) -> tuple[MonoSound, int | None]:
    """The sound, and the channel that should be taken alone instead; None if it is right as it is."""
    with opens() as stream:
        mono = MonoStream(stream, sample_rate=sample_rate, channel=channel)
        rate = mono.sample_rate
        first = round(start * rate)
        stop = None if seconds is None else first + round(seconds * rate)
        parts: list[NDArray[np.float32]] = []
        read, longer = 0, False
        for block in mono:
            parts.append(block[max(first - read, 0) :])
            read += len(block)
            if stop is not None and read > stop:
                longer = True
                break
        length = round(mono.frames * rate / stream.sample_rate) - first
        length = max(length if stop is None else min(length, stop - first), 0)
        shortfall = "" if longer else mono.shortfall()
    wave = np.concatenate(parts)[:length] if parts else np.zeros(0, np.float32)
    if not len(wave):
        raise AudioError(str(mono.error or f"it holds no sound{f' after {start:g} s' if start else ''}"))
    if any(((spans[:, 0] < first + length) & (spans[:, 1] >= first)).any() for spans in mono.not_finite):
        raise AudioError("it holds samples that are not finite numbers")
    pcm = np.rint(wave * _FULL_SCALE).clip(-_FULL_SCALE, _FULL_SCALE - 1)
    sound = MonoSound(pcm / _FULL_SCALE, rate, longer, shortfall, tuple(mono.remarks()))
    return sound, mono.loudest if channel is None and mono.cancels else None
