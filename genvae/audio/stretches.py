"""What a decoder is given: stretches of a file that are whole, each as pieces of the file and of memory.

libsndfile gives up at damage, and believes headers that are false. So where a file is damaged, joined from several,
or says something false of itself, genvae finds the whole stretches in it and gives the decoder these alone.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from genvae.places import open_bytes

Piece = bytes | range
"""Bytes from memory, or those that a range of places in the file names."""


@dataclass(frozen=True)
class Damage:
    """Where sound is missing from a recording.

    Attributes:
        start: sample frame where it begins, counted from the recording's start.
        end: the sample frame behind it, and silence stands in between; the same as `start` where nothing says how
            much is missing, and then nothing stands there.
        why: what is wrong there, in words.
        spread: sample frames before and behind it that may be wrong too.
    """

    start: int
    end: int
    why: str
    spread: int = 0


@dataclass(frozen=True)
class Stretch:
    """A part of a file that can be decoded by itself.

    Attributes:
        pieces: what the decoder reads, in this order.
        why: what lies before it that can't be decoded, in words; empty where nothing does.
        anew: whether it begins a sound of its own, as where files were joined; `start` and `end` count from there.
        start: sample frame at which it begins; None where only its end or counting tells.
        end: sample frame behind its last one; None where only counting tells.
        clock: rate in Hz in which `start` and `end` count; None for the sound's own.
    """

    pieces: tuple[Piece, ...]
    why: str = ""
    anew: bool = False
    start: int | None = None
    end: int | None = None
    clock: int | None = None


@dataclass(frozen=True)
class Outline:
    """What a scan of a file found in it.

    Attributes:
        stretches: in their order; empty where libsndfile can be given the file as it is.
        frames: sample frames that the file truly says it has, or that were counted; None where libsndfile knows.
        declares: how many times as much as there is its header says.
        ending: what is wrong behind the last stretch, in words; empty where nothing is.
    """

    stretches: tuple[Stretch, ...] = ()
    frames: int | None = None
    declares: float = 1.0
    ending: str = ""


@dataclass
class PieceReader:
    """Pieces of a file as one file, with the methods that soundfile asks of a file-like object.

    Attributes:
        path: of the file.
        pieces: what is read, in this order.
        fault: why reading failed; the decoder, which calls from C, takes it for the end, and its caller must look.
    """

    path: Path
    pieces: tuple[Piece, ...]
    _at: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.fault: OSError | None = None
        self._file = open_bytes(self.path, 1 << 22)
        self._ends = list(accumulate(map(len, self.pieces)))
        self._here = range(0)  # places for which `_file` stands right, or none

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, as a file does."""
        base = (0, self._at, self._ends[-1] if self._ends else 0)[whence]
        self._at = max(base + offset, 0)
        self._here = range(0)
        return self._at

    def tell(self) -> int:
        """The place where it stands."""
        return self._at

    def place(self) -> int:
        """The place in the file up to which it was read."""
        return self._file.tell()

    def readinto(self, buffer: object) -> int:
        """Fill `buffer`, short only at the end, or where reading fails."""
        try:
            return self._fill(buffer)
        except OSError as error:
            self.fault = error
        except Exception as error:  # libraries of remote file systems have kinds of their own
            self.fault = OSError(f"{type(error).__name__}: {error}")
        return 0

    def _fill(self, buffer: object) -> int:
        view, done = memoryview(buffer), 0  # type: ignore[arg-type]  # soundfile passes a buffer of cffi
        while done < len(view):
            if self._at not in self._here:
                number = bisect_right(self._ends, self._at)
                if number == len(self._ends):
                    break
                piece = self.pieces[number]
                first = self._ends[number] - len(piece)
                if isinstance(piece, bytes):
                    part = piece[self._at - first :][: len(view) - done]
                    view[done : done + len(part)] = part
                    done, self._at = done + len(part), self._at + len(part)
                    continue
                self._here = range(first, self._ends[number])
                self._file.seek(piece.start + self._at - first)
            size = min(len(view) - done, self._here.stop - self._at)
            count = self._file.readinto(view[done : done + size])
            if not count:  # the file has become shorter since it was scanned
                break
            done, self._at = done + count, self._at + count
        return done

    def read(self, size: int) -> bytes:
        """At most `size` bytes."""
        buffer = bytearray(size)
        return bytes(buffer[: self.readinto(buffer)])

    def write(self, content: bytes) -> int:
        """Refuse; soundfile asks for the method, and never calls it on a file that is read."""
        raise OSError("it is only read")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Window:
    """Bytes of a long file near a place that moves forwards, so that a scan never holds all of it.

    Attributes:
        data: bytes of the file.
        base: the place of the first of them.
        size: of the file.
    """

    _STEP = 1 << 20

    def __init__(self, path: Path, end: int | None = None) -> None:
        self._file = open_bytes(path)
        size = self._file.seek(0, os.SEEK_END)
        self.size = size if end is None else min(size, end)
        self.data, self.base = b"", 0

    def show(self, place: int, ahead: int) -> int:
        """Have the `ahead` bytes from `place` on in `data`, as far as the file has them; where they begin in it."""
        stop = self.base + len(self.data)
        if not (self.base <= place and (place + ahead <= stop or stop >= self.size)):
            self._file.seek(place)
            self.data, self.base = self._file.read(max(min(ahead + self._STEP, self.size - place), 0)), place
        return place - self.base

    def close(self) -> None:
        """Close the file."""
        self._file.close()
