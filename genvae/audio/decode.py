"""Opens a sound file through libsndfile as a SoundStream, which is read in blocks and never lies whole in memory."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile
from numpy.typing import NDArray

from genvae.audio.containers import lacks_end, mp3_frames
from genvae.errors import AudioError

_SUFFIXES = ".wav .wave .w64 .rf64 .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .caf .au"
SUFFIXES = frozenset(_SUFFIXES.split())
"""Suffixes, in lower case, of what libsndfile reads."""
RATES = range(1_000, 1_000_000)
"""Sample rates, in Hz, that a recording may have; a header that says another is damaged or hostile."""

_BLOCK = 16384  # frames; libsndfile gives up a whole block for one error in it, so blocks are short
_PACKETS = 4 * 1152  # frames; lossy formats count to the packet, and encoders their delay and padding differently
_RUN_UP = 1 << 15  # frames; more than any lossy format looks back
_UNKNOWN = 1 << 62  # libsndfile says "unknown length" with the largest count that there is


class SoundfileStream:
    """A sound file, or the part of it from `start` to `end` in seconds.

    Attributes:
        sample_rate: in Hz.
        channels: at least 1.
        frames: sample frames that the file says it has, also where it was cut short (of Ogg and MP3, which count to
            the packet, a few packets less); None if it does not say.

    Raises:
        AudioError: libsndfile can't read it.
        OSError: the file can't be opened at all (it is missing, or permission is denied).
    """

    sample_rate: int
    channels: int
    frames: int | None

    def __init__(self, path: Path, *, start: float = 0.0, end: float | None = None) -> None:
        require_sound_file(path)
        self._path = path
        # Bytes, because soundfile encodes text strictly and refuses names that are not UTF-8.
        name = os.fsencode(path) if os.name == "posix" else str(path)
        try:
            self._file = _Sequential(name)
        except soundfile.LibsndfileError as error:
            raise AudioError(_sentence(error)) from error
        try:
            self.sample_rate, self.channels = self._file.samplerate, self._file.channels
            require_sane(self.sample_rate, self.channels)
            declared = _declared_frames(self._file, path)
            first = round(start * self.sample_rate)
            last = declared if end is None else round(end * self.sample_rate)
            self.frames = None if last is None else max(last - first, 0)
            self._left = _UNKNOWN if end is None else max(round(end * self.sample_rate) - first, 0)
            if first:
                if first >= self._file.frames:
                    raise AudioError(f"it ends after {self._file.frames / self.sample_rate:.3f} s, before the start")
                self._go_to(first)
        except BaseException:
            self._file.close()
            raise

    def _go_to(self, first: int) -> None:
        # The first sound after a jump is wrong in lossy formats, so jump short and read what is left of the way.
        early = max(first - _RUN_UP, 0)
        try:
            self._file.seek(early)
            while early < first and (n := len(self._file.read(min(first - early, _BLOCK), always_2d=True))):
                early += n
        except soundfile.LibsndfileError as error:
            raise AudioError(f"its start can't be found: {_sentence(error)}") from error

    def blocks(self, frames: int) -> Iterator[NDArray[np.float32]]:
        """Yield float32 [n, channels] with 0 < n <= frames, full scale at ±1.

        Raises:
            AudioError: where the file can't be decoded further, or stops without the mark of its end.
        """
        while self._left:
            wanted = min(frames, _BLOCK, self._left)
            try:
                block = self._read(wanted)
            except soundfile.LibsndfileError as error:
                raise AudioError(f"it can't be decoded further: {_sentence(error)}") from error
            if not len(block):
                break
            self._left -= len(block)
            yield block
        if self._left and self._file.format == "OGG" and lacks_end(self._path):
            raise AudioError("the Ogg stream stops without the mark of its end: the file was cut short")

    def _read(self, frames: int) -> NDArray[np.float32]:
        """The next float32 [n, channels], n <= frames."""
        if self._file.subtype != "PCM_16":
            block: NDArray[np.float32] = self._file.read(frames, dtype="float32", always_2d=True)
            return block
        # The same numbers as libsndfile's own conversion, which takes three times as long.
        return self._file.read(frames, dtype="int16", always_2d=True) * np.float32(1 / 32768)  # type: ignore[no-any-return]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]  # soundfile may come without types
    """A file that is read from front to back.

    Where it can, soundfile seeks after each read to the place where it stands anyhow. In MP3 that throws away the bits
    that the next frame borrows from the one before, and every block begins with garbage.
    """

    def seekable(self) -> bool:
        return False


def require_sound_file(path: Path) -> None:
    """Check that `path` is a file with something in it that this process may read.

    Raises:
        AudioError: it is empty, or a folder, a pipe or a device (reading one of those might never end).
        OSError: it is missing or can't be opened.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise AudioError("it is not a regular file")
    with path.open("rb") as file:
        if not file.read(1):
            raise AudioError("the file is empty")


def require_sane(sample_rate: int, channels: int) -> None:
    """Check what a header says.

    Raises:
        AudioError: a sample rate or a number of channels that no recording has.
    """
    if sample_rate not in RATES:
        raise AudioError(f"its header says {sample_rate} Hz, which is no sample rate of a recording")
    if not 1 <= channels <= 1024:
        raise AudioError(f"its header says {channels} channels")


def _declared_frames(file: soundfile.SoundFile, path: Path) -> int | None:
    """What the header says, before libsndfile brought it in line with the length of the file."""
    frames, log = int(file.frames), str(file.extra_info)
    if not 0 <= frames < _UNKNOWN:
        return None
    if file.format in ("WAV", "WAVEX"):
        # 0xFFFFFFFF and the like are what a program writes that can't go back to its header: they declare nothing.
        cut = re.search(r"^data : (\d+) \(should be (\d+)\)", log, re.MULTILINE)
        if cut and 0 < int(cut[2]) < int(cut[1]) < 0x7FFFF000:
            return frames * int(cut[1]) // int(cut[2])
    elif file.format == "AIFF":
        said = re.search(r"^ *Frames +: (\d+)", log, re.MULTILINE)
        if said and "SSND" in log:
            return max(int(said[1]), frames)
    elif file.format == "RF64":
        said = re.search(r"^ *Frames +: (\d+)", log, re.MULTILINE)
        if said and "Calculated frame count" in log:
            return max(int(said[1]), frames)
    elif file.format == "MP3":
        return max(max(mp3_frames(path) or 0, frames) - _PACKETS, 0)
    elif file.format == "OGG":
        return max(frames - _PACKETS, 0)
    return frames


def _sentence(error: soundfile.LibsndfileError) -> str:
    """libsndfile's words for an error, without the file's name, which may not be printable."""
    return str(error.error_string).rstrip(". ") or f"libsndfile's error {error.code}"
