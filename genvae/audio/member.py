"""A file inside a tar file, as a file of its own."""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from genvae.places import is_remote, open_bytes


@dataclass(frozen=True)
class Member:
    """A part of a file as a file of its own, with what a decoder asks of a path.

    Attributes:
        file: that it lies in.
        place: the bytes of that file that it is.
    """

    file: Path
    place: range

    def open(self, mode: str = "rb", *, block_size: int = 1 << 20, cache_type: str = "none") -> io.BufferedReader:
        """Its bytes, to be read."""
        raw = _Bytes(open_bytes(self.file, block_size, ahead=cache_type != "none"), self.place)
        return cast(io.BufferedReader, raw) if is_remote(self.file) else io.BufferedReader(raw)

    def stat(self) -> Any:
        """That it is a file, and its size."""
        return SimpleNamespace(st_mode=stat.S_IFREG, st_size=len(self.place))


class _Bytes(io.RawIOBase):
    """Those bytes of a file that a range of places names."""

    def __init__(self, file: io.BufferedReader, place: range) -> None:
        self._file, self._place, self._at = file, place, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max((0, self._at, len(self._place))[whence] + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        size = max(min(len(buffer), len(self._place) - self._at), 0)
        self._file.seek(self._place.start + self._at)
        content = self._file.read(size)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()
