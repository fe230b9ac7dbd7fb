"""Opens a sound file through libsndfile as a SoundStream, which is read in blocks and never lies whole in memory."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from genvae.audio import flac, headers, mp3, ogg
from genvae.audio.fetched import fetched
from genvae.audio.stretches import Damage, Outline, PieceReader, Stretch
from genvae.errors import AudioError
from genvae.places import is_remote, open_bytes

_SUFFIXES = ".wav .wave .w64 .rf64 .flac .ogg .oga .opus .mp3 .aif .aiff .aifc .caf .au .snd"
SUFFIXES = frozenset(_SUFFIXES.split())
"""Suffixes, in lower case, of what libsndfile reads."""
RATES = range(1_000, 1_000_000)
"""Sample rates, in Hz, that a recording may have; a header that says another is damaged or hostile."""

_BLOCK = 65536  # frames
_PACKETS = 4 * 1152  # frames; Ogg counts to the packet
_RUN_UP = 1 << 15  # frames; more than any lossy format looks back
_UNKNOWN = 1 << 62  # libsndfile says "unknown length" with the largest count that there is
_SPREAD = 0.05  # seconds beside a place where an unknown length is missing: decoders need some packets to recover
_MOST_SILENCE = 600  # seconds that stand in for lost sound; a damaged number may ask for years

_DAMAGED_FLAC = "a FLAC frame is damaged"
_PATIENCE = 16  # frames behind damage that are tried one by one before some are passed over
_MOST_JOINED = 1000  # a hostile file may hold a beginning of one every few bytes
_WORDS = {
    1: "it is in no format that libsndfile knows",
    3: "its header is damaged, or says what no such file can say",
    4: "libsndfile does not know the encoding of the sound in it",
    29: "the decoder finds no way on",
}


class SoundfileStream:
    """A sound file, or the part of it from `start` to `end` in seconds.

    It goes on behind damage: silence stands where sound is missing, as far as it is known how much. Files that were
    joined are read one after the other, at the rate and with the channels of the first.

    Attributes:
        sample_rate: in Hz.
        channels: at least 1.
        frames: sample frames that the file says it has, also where it was cut short (of Ogg and MP3, which count to
            the packet, a few packets less); None if it does not say.
        damage: where sound was found to be missing so far, in the order of the reading.

    Raises:
        AudioError: libsndfile can't read it.
        OSError: the file can't be opened at all (it is missing, or permission is denied).
    """

    sample_rate: int
    channels: int
    frames: int | None

    def __init__(self, path: Path, *, start: float = 0.0, end: float | None = None) -> None:
        self._fetched = fetched(path)
        path = cast(Path, self._fetched or path)
        require_sound_file(path)
        self.damage: list[Damage] = []
        self._path = path
        self._outline = _outline(path)
        self._stretches = iter(self._outline.stretches or (Stretch(()),))
        self._stretch: Stretch | None = next(self._stretches)
        self._file = _open(path, self._stretch)
        try:
            self.sample_rate, self.channels = self._file.samplerate, self._file.channels
            require_sane(self.sample_rate, self.channels)
            declared = _declared_frames(self._file, self._outline)
            self._first = round(start * self.sample_rate)
            last = declared if end is None else round(end * self.sample_rate)
            self.frames = None if last is None else max(last - self._first, 0)
            self._left = _UNKNOWN if end is None else max(round(end * self.sample_rate) - self._first, 0)
            self._at = 0  # sample frame of the recording that comes next
            self._whole_frames = 0  # sample frames of a FLAC frame, where no more than one must be asked for
            self._recovering = False
            self._begin = 0  # where the numbers of the stretches count from
            self._read_to = 0  # the place in the file up to which it was read
            self._flac = 0  # the place where the FLAC file that is read begins, as files may have been joined
            self._joined = 0  # how many have been
            self._fruitless = 0  # stretches in a row that gave no sound
            if self._first:
                if not self._outline.stretches and self._first >= self._file.frames:
                    raise AudioError(f"it ends after {self._file.frames / self.sample_rate:.3f} s, before the start")
                self._jump()
        except BaseException:
            self._file.close()
            raise

    def _jump(self) -> None:
        """Go near to the first frame that is wanted, where that is possible without reading all before it."""
        # The first sound after a jump is wrong in lossy formats, so jump short.
        early = max(self._first - _RUN_UP, 0)
        if early and not self._outline.stretches:
            try:
                self._file.seek(early)
                self._at = early
            except soundfile.LibsndfileError:
                self._file.close()
                self._file = _open(self._path, self._stretch)

    def blocks(self, frames: int) -> Iterator[NDArray[np.float32]]:
        """Yield float32 [n, channels] with 0 < n <= frames, full scale at ±1.

        Raises:
            AudioError: where the file can't be decoded further, or stops without the mark of its end.
        """
        has_sound = False
        for block in self._sound(frames):
            here = block
            if self._at < self._first or len(block) > self._left:
                here = block[max(self._first - self._at, 0) :][: self._left]
            self._at += len(block)
            self._left -= len(here)
            if len(here):
                has_sound = True
                yield here
            if not self._left:
                return
        if self._first and not has_sound:
            raise AudioError(f"it ends after {self._at / self.sample_rate:.3f} s, before the start")
        if self._outline.ending:
            raise AudioError(self._outline.ending)

    def _sound(self, frames: int) -> Iterator[NDArray[np.float32]]:
        """All of the recording from where the file stands on. The caller counts `_at` on behind each block."""
        why = ""  # what lies between the last sound and the next
        while self._stretch is not None:
            place = self._place()
            why = why or self._stretch.why
            surplus = 0 if place is None else max(self._at - place, 0)
            is_flac = self._file.format == "FLAC"
            try:
                self._fruitless += 1
                for block in self._decoded(min(frames, _BLOCK)):
                    self._fruitless = 0
                    if why:
                        yield from self._gap(place, why, frames)
                        why = ""
                    if not surplus:
                        yield block
                        continue
                    if len(block) > surplus:
                        yield block[surplus:]
                    surplus = max(surplus - len(block), 0)
                self._file.require_no_fault()
                if is_flac:
                    self._join()
            except AudioError as error:
                self._file.require_no_fault()
                why = why or str(error)
            except soundfile.LibsndfileError as error:
                self._file.require_no_fault()
                why = why or _sentence(error)
                if is_flac and not self._recovering:
                    self._recovering, self._stretches = True, self._behind_damage()
            self._file.close()
            opened = self._next()
            while not opened and is_flac and self._join():
                opened = self._next()
        if why:
            raise AudioError(f"it can't be decoded further: {why}")

    def _join(self) -> bool:
        """Go on in the FLAC file that was joined to the one that is read, if there is one.

        Raises:
            AudioError: there is no end of them.
        """
        joined = flac.another(self._path, self._read_to, self._flac)
        if joined is None:
            return False
        if self._joined == _MOST_JOINED:
            raise AudioError(f"more than {_MOST_JOINED:,} FLAC files are joined in it")
        self._flac, self._recovering, self._joined = joined, False, self._joined + 1
        self._stretches = iter([Stretch((range(joined, self._path.stat().st_size),), anew=True)])
        return True

    def _place(self) -> int | None:
        """The sample frame of the recording at which the open stretch begins; None where only counting tells it."""
        assert self._stretch is not None  # the caller has one
        start, end, frames = self._stretch.start, self._stretch.end, int(self._file.frames)
        clock = self._stretch.clock or self._file.samplerate
        seconds: float | None = None if start is None else start / clock
        if start is None and end is not None and 0 <= frames < _UNKNOWN:
            seconds = end / clock - frames / self._file.samplerate
        shift: int | None = None
        if seconds is not None and abs(seconds) < _UNKNOWN / self.sample_rate:
            shift = round(seconds * self.sample_rate)
        if self._stretch.anew:
            self._begin = self._at
            if not self._stretch.why:  # nothing is missing, so if its numbers begin with another one, they do so
                self._begin -= shift or 0
                return None
        return None if shift is None else self._begin + shift

    def _next(self) -> bool:
        """Open the next stretch that can be opened, and say whether there is one."""
        while (stretch := next(self._stretches, None)) is not None:
            try:
                self._file = _open(self._path, stretch)
                require_sane(self._file.samplerate, self._file.channels)
                break
            except AudioError:
                continue  # it counts as damage, as what follows shows
        self._stretch = stretch
        return stretch is not None

    def _decoded(self, frames: int) -> Iterator[NDArray[np.float32]]:
        """What the file that is open gives, at the rate and with the channels of the recording."""
        file = self._file
        resampler = None
        if file.samplerate != self.sample_rate:
            resampler = soxr.ResampleStream(file.samplerate, self.sample_rate, self.channels, dtype="float32")
        for block in self._read_blocks(frames):
            if file.channels != self.channels:
                block = np.repeat(block.mean(axis=1, keepdims=True), self.channels, axis=1)
            if resampler is not None:
                block = resampler.resample_chunk(np.ascontiguousarray(block)).reshape(-1, self.channels)
            if len(block) <= frames:
                yield block
                continue
            for first in range(0, len(block), frames):
                yield block[first : first + frames]
        if resampler is not None:
            rest = resampler.resample_chunk(np.zeros((0, self.channels), np.float32), last=True)
            for first in range(0, len(rest), frames):
                yield rest[first : first + frames]

    def _read_blocks(self, frames: int) -> Iterator[NDArray[np.float32]]:
        """What the file that is open gives, as it is."""
        file = self._file
        if file.format != "FLAC":
            exact = file.subtype == "PCM_16"
            while len(block := _read(file, frames, exact)):
                yield block
            return
        # Asked for more than there is, it reads on into a file that was joined to it.
        assert self._stretch is not None  # the caller has one
        begun = (self._stretch.start or 0) if self._stretch.pieces else self._at  # where a jump has led
        left = int(file.frames) - begun
        exact = file.subtype == "PCM_16"
        while left > 0 and len(block := _read(file, min(self._whole_frames or frames, left), exact)):
            self._read_to = file.place()
            left -= len(block)
            yield block
        if left > 0 and file.frames < _UNKNOWN:  # libsndfile says nothing where it finds no frame
            raise AudioError("it stops before the end that its header tells")

    def _gap(self, place: int | None, why: str, frames: int) -> Iterator[NDArray[np.float32]]:
        """Note damage up to `place`, and give silence for it."""
        missing = 0 if place is None else max(place - self._at, 0)
        if place is not None and not missing:
            return  # it was no sound, or what was given up at first was read again
        if missing > _MOST_SILENCE * self.sample_rate:
            missing = 0
        first = self._at - self._first
        if first + missing >= 0 and first < self._left:
            spread = round(_SPREAD * self.sample_rate) if place is None else 0
            self.damage.append(Damage(max(first, 0), first + missing, why, spread))
        for done in range(0, missing, min(frames, _BLOCK)):
            yield np.zeros((min(frames, _BLOCK, missing - done), self.channels), np.float32)

    def _behind_damage(self) -> Iterator[Stretch]:
        """A stretch from each frame of a FLAC file on, to be tried one by one behind damage.

        Those that were read meanwhile are left out. Where many in a row give no sound, as under a header that fits none
        of them, more and more are passed over: each try may take the decoder through all the rest of the file.
        """
        head = flac.read_head(self._path, self._flac)
        if head is None:
            return
        self._whole_frames = head.shortest  # for one error libsndfile gives up all of what it was asked for
        end = self._path.stat().st_size
        passed_over = 0
        for place, sample in flac.frames(self._path, head):
            if sample + head.longest <= self._at - self._begin:
                continue
            if passed_over < self._fruitless - _PATIENCE:
                passed_over += 1
                continue
            passed_over = 0
            yield Stretch((range(self._flac, head.stop), range(place, end)), start=sample)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._fetched is not None:
            self._fetched.close()


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]  # soundfile may come without types
    """A file that is read from front to back.

    Where it can, soundfile seeks after each read to the place where it stands anyhow. In MP3 that throws away the bits
    that the next frame borrows from the one before, and every block begins with garbage.
    """

    def __init__(self, source: PieceReader | int | str) -> None:
        self._source = source
        super().__init__(source, closefd=False)

    def seekable(self) -> bool:
        return False

    def place(self) -> int:
        """The place in the file up to which it was read; the decoder may not have used all of it yet."""
        if isinstance(self._source, PieceReader):
            return self._source.place()
        return os.lseek(self._source, 0, os.SEEK_CUR) if isinstance(self._source, int) else 0

    def require_no_fault(self) -> None:
        """Raise what reading the file failed with, if it did: that is no damage."""
        if isinstance(self._source, PieceReader) and self._source.fault is not None:
            raise self._source.fault

    def close(self) -> None:
        if not self.closed:
            super().close()
            _close(self._source)


def _close(source: PieceReader | int | str) -> None:
    if isinstance(source, PieceReader):
        source.close()
    elif isinstance(source, int):
        os.close(source)


def require_sound_file(path: Path) -> None:
    """Check that `path` is a file with something in it that this process may read.

    Raises:
        AudioError: it is empty, or a folder, a pipe or a device (reading one of those might never end).
        OSError: it is missing or can't be opened.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise AudioError("it is not a regular file")
    with open_bytes(path) as file:
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


def _outline(path: Path) -> Outline:
    """What genvae finds in a file by itself, before libsndfile reads it."""
    with open_bytes(path) as file:
        magic = file.read(4)
    if magic == b"OggS":
        return ogg.scan(path) or Outline()
    if magic in headers.MAGICS:
        return headers.look(path)
    if magic == b"fLaC" or (magic[:3] == b"ID3" and flac.read_head(path)):
        return Outline()
    return mp3.scan(path) or Outline()


def _open(path: Path, stretch: Stretch | None) -> _Sequential:
    """Open a stretch of a file, or a file as it is.

    Raises:
        AudioError: libsndfile can't read it.
    """
    source: PieceReader | int | str
    if stretch and stretch.pieces:
        source = PieceReader(path, stretch.pieces)
    elif is_remote(path):
        source = PieceReader(path, (range(path.stat().st_size),))
    elif os.name == "posix":  # names that are not UTF-8 open too, and the place is known
        source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    else:
        source = str(path)
    try:
        file = _Sequential(source)
    except soundfile.LibsndfileError as error:
        _close(source)
        if isinstance(source, PieceReader) and source.fault is not None:
            raise source.fault from error
        text = _sentence(error)
        raise AudioError("libsndfile can't read the FLAC in it" if text == _DAMAGED_FLAC else text) from error
    if file.format == "RAW":  # which libsndfile makes of anything that is named .au
        file.close()
        raise AudioError(_WORDS[1])
    return file


def _read(file: soundfile.SoundFile, frames: int, exact: bool) -> NDArray[np.float32]:
    """The next float32 [n, channels], n <= frames; `exact` says that 16 bits hold its samples."""
    if not exact:
        block: NDArray[np.float32] = file.read(frames, dtype="float32", always_2d=True)
        return block
    # The same numbers as libsndfile's own conversion, which takes three times as long.
    return file.read(frames, dtype="int16", always_2d=True) * np.float32(1 / 32768)  # type: ignore[no-any-return]


def _declared_frames(file: soundfile.SoundFile, outline: Outline) -> int | None:
    """Sample frames that the file says it has, also where fewer are there."""
    if outline.frames is not None:
        return outline.frames
    frames = int(file.frames)
    if not 0 <= frames < _UNKNOWN or (file.format == "OGG" and outline.stretches):
        return None
    if file.format == "OGG":
        return max(frames - _PACKETS, 0)
    if file.format == "MP3":
        return None  # a guess of libsndfile's
    return round(frames * outline.declares)


def _sentence(error: soundfile.LibsndfileError) -> str:
    """What an error of libsndfile means; its own words may name the wrong cause, or be none at all."""
    text = str(error.error_string).rstrip(". ").removeprefix("Error : ")
    if "not a regular file" in text:  # which libsndfile says of an MP3 file in which it is lost
        return _WORDS[29]
    if text.startswith("unknown error in flac") or "lost sync" in text:
        return _DAMAGED_FLAC
    if error.code in _WORDS:
        return _WORDS[error.code]
    return f"libsndfile: {text}" if text else f"libsndfile's error {error.code}"
