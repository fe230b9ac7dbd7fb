"""The members of tar files, found without unpacking any."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from genvae.audio.member import Member
from genvae.errors import GenvaeError
from genvae.places import open_bytes, reaching
from genvae.text import printable

_MOST = 1 << 20  # bytes that are read at once, and so of the names that a member may have
_MOST_EMPTY = 16  # times that reading on behind the end is borne


class TarDamage(Exception):
    """A tar file that can't be read, or not on from some place."""


def members(tar: Path) -> Iterator[tuple[str, Member, io.BufferedReader]]:
    """The plain files in a tar file: their names, where their bytes are, and the tar file, to read some of them.

    Names are as they are written there, and name no file of this machine.

    Raises:
        TarDamage: it can't be read on as a tar file, which must not be compressed.
        GenvaeError: it can't be read.
    """
    before = -1
    try:
        with reaching(tar), open_bytes(tar) as file:
            end = file.seek(0, io.SEEK_END)
            file.seek(0)
            try:
                with tarfile.open(fileobj=cast(io.BufferedReader, _Careful(file)), mode="r:") as opened:
                    while (member := opened.next()) is not None:
                        cast(Any, opened).members.clear()  # which it would keep, all of them
                        if member.offset <= before or member.size < 0:
                            raise TarDamage("it leads back to what was read before")
                        before = member.offset
                        if member.isreg() and not member.issparse():
                            stop = min(member.offset_data + member.size, end)  # a header may claim what isn't there
                            place = range(member.offset_data, max(stop, member.offset_data))
                            yield member.name, Member(tar, place), file
                    file.seek(opened.offset)  # where tarfile takes a damaged header for the end
                    if any(file.read(tarfile.BLOCKSIZE)):
                        raise TarDamage("a header in it is damaged")
            except (tarfile.TarError, ValueError, RecursionError) as error:
                # A forged header makes tarfile fail in more ways than its own.
                raise TarDamage(str(error) or "a header in it is damaged") from error
    except OSError as error:
        raise GenvaeError(f"{printable(str(tar))} can't be read: {error.strerror}.") from error


class _Careful:
    """A file that tarfile reads: never much at once, nor for ever behind its end, whatever a header says."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file, self._empty = file, 0
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        content = self._file.read(max(min(size, _MOST), 0))
        self._empty += not content
        if self._empty > _MOST_EMPTY:
            raise tarfile.ReadError("unexpected end of data")
        return content
