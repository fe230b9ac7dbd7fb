"""A remote file that is read several times and fetched once: what was fetched stays in memory, up to a bound."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, cast

from genvae.audio.member import Member
from genvae.places import is_remote, open_bytes

_BLOCK = 1 << 20  # bytes that are fetched at least
_RUN = 4  # blocks that are fetched at once where reading goes on from block to block
MOST_KEPT = 64 << 20
"""Bytes of a file that stay in memory; of a longer one its beginning."""


def fetched(path: Any) -> Fetched | None:
    """A remote file, or a member of one, as a file that is fetched once; None of one that lies here."""
    return Fetched(path) if is_remote(path.file if isinstance(path, Member) else path) else None


class Fetched:
    """A remote file, with what a decoder asks of a path. It is used by one stream, and read by one thread.

    Scans for damage read a file from end to end before it is decoded, and decoders look at its beginning and its end
    first. All of them are given the same blocks. Of a file longer than `most` bytes the blocks behind those are
    fetched by each that reads on up to there.

    Args:
        path: of the file, or a member of one.
        most: bytes that stay in memory.
    """

    def __init__(self, path: Path, most: int = MOST_KEPT) -> None:
        self._path = path
        self._status: Any = path.stat()
        self._kept: dict[int, bytes] = {}
        self._last: dict[int, bytes] = {}  # what was fetched last of what isn't kept
        self._most = most // _BLOCK
        self._next = -1  # the block behind those that were fetched last
        self._file: io.BufferedReader | None = None

    def stat(self) -> Any:
        """What the file system tells of it, as it was at first."""
        return self._status

    def open(self, mode: str = "rb", **_: Any) -> io.BufferedReader:
        """Its bytes, to be read. Reading raises OSError where they can't be fetched, whatever the library raises."""
        return cast(io.BufferedReader, _Reader(self))

    def block(self, number: int) -> bytes:
        """A block of it; empty behind the end."""
        found = self._kept.get(number) or self._last.get(number)
        return self._fetch(number) if found is None else found

    def close(self) -> None:
        """Give up what is kept, and the connection."""
        self._kept, self._last = {}, {}
        if self._file is not None:
            self._file.close()
            self._file = None

    def _fetch(self, number: int) -> bytes:
        count, self._last = 1, {}
        if number == self._next:
            wanted = range(number + 1, number + _RUN)
            count += next((n for n, each in enumerate(wanted) if each in self._kept), len(wanted))
        try:
            if self._file is None:
                self._file = open_bytes(self._path, ahead=False)
            self._file.seek(number * _BLOCK)
            content = _read(self._file, max(min(count * _BLOCK, self._status.st_size - number * _BLOCK), 0))
        except OSError:
            raise
        except Exception as error:  # libraries of remote file systems have kinds of their own
            raise OSError(f"{type(error).__name__}: {error}") from error
        self._next = number + count
        blocks = {number + n: content[n * _BLOCK : (n + 1) * _BLOCK] for n in range(count)}
        self._last = {each: block for each, block in blocks.items() if each >= self._most}
        self._kept.update((each, block) for each, block in blocks.items() if each < self._most)
        return blocks[number]


def _read(file: io.BufferedReader, size: int) -> bytes:
    """So many bytes; fewer only where the file has become shorter. They come by `readinto`, as decoders' do."""
    buffer, done = bytearray(size), 0
    while done < size and (count := file.readinto(memoryview(buffer)[done:])):
        done += count
    return bytes(buffer[:done])


class _Reader(io.RawIOBase):
    """A place in a file that is fetched once."""

    def __init__(self, file: Fetched) -> None:
        self._file, self._at = file, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max((0, self._at, self._file.stat().st_size)[whence] + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        view, done = memoryview(buffer).cast("B"), 0
        while done < len(view):
            number, first = divmod(self._at, _BLOCK)
            content = self._file.block(number)[first : first + len(view) - done]
            if not content:
                break
            view[done : done + len(content)] = content
            done, self._at = done + len(content), self._at + len(content)
        return done
