"""Finds the frames of a FLAC file, to go on behind damage (RFC 9639, sections 8 and 9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genvae.audio.stretches import Window
from genvae.places import open_bytes

_SYNC = re.compile(rb"\xff[\xf8\xf9][\x10-\xff]", re.DOTALL)
_LONGEST_HEADER = 16
_AHEAD = 1 << 16
_READ_AHEAD = 1 << 16  # bytes, more than libFLAC reads before it decodes them
_MARK = b"fLaC\0\0\0\x22"  # with the beginning of the first block of metadata, which always has 34 bytes
_MOST_FALSE = 300_000  # things that look like a header and are none; a hostile file may be full of them


def _divided(value: int) -> int:
    for _ in range(8):
        value = (value << 1) ^ 0x107 if value & 128 else value << 1
    return value


_CRC8 = bytes(map(_divided, range(256)))


@dataclass(frozen=True)
class Head:
    """What stands before the frames.

    Attributes:
        stop: the place behind it, where the first frame begins.
        shortest: sample frames in the shortest frame but the last.
        longest: the same of the longest.
        total: sample frames in the file, 0 where it does not say.
    """

    stop: int
    shortest: int
    longest: int
    total: int


def another(path: Path, place: int, begin: int) -> int | None:
    """The place near `place` or behind it where a further FLAC file begins, as where files were joined; else None.

    It lies behind `begin`, the place where the one begins that is read: a file without a frame leads to no further one
    before it, nor to itself.
    """
    window = Window(path)
    at = max(place - _READ_AHEAD, begin + len(_MARK))
    try:
        while at < window.size:
            i = window.show(at, 2 * _READ_AHEAD)
            offset = window.data.find(_MARK, i)
            if offset >= 0:
                return window.base + offset
            at = (
                window.base + len(window.data) - (len(_MARK) - 1 if window.base + len(window.data) < window.size else 0)
            )
    finally:
        window.close()
    return None


def read_head(path: Path, place: int = 0) -> Head | None:
    """Walk over the metadata of the FLAC file that begins at `place`; None where none that makes sense does."""
    with open_bytes(path) as file:
        file.seek(place)
        start = file.read(10)
        if start[:3] == b"ID3" and len(start) == 10:
            file.seek(place + 10 + (start[6] << 21 | start[7] << 14 | start[8] << 7 | start[9]))
            start = file.read(4)
        else:
            file.seek(place + 4)
        if start[:4] != b"fLaC":
            return None
        info, last = b"", False
        while not last:
            head = file.read(4)
            if len(head) < 4:
                return None
            last, size = bool(head[0] & 128), int.from_bytes(head[1:])
            if head[0] & 127 == 0 and not info:
                info = file.read(size)
            else:
                file.seek(size, 1)
        if len(info) < 34:
            return None
        sizes = int.from_bytes(info[:2]), int.from_bytes(info[2:4])
        if not 16 <= sizes[0] <= sizes[1]:
            return None
        return Head(file.tell(), *sizes, int.from_bytes(info[13:18]) & 0xFFFFFFFFF)


def frames(path: Path, head: Head) -> Iterator[tuple[int, int]]:
    """Each place where a frame's header with a right checksum stands, and the sample frame at which it begins."""
    window = Window(path)
    place, false = head.stop, 0
    try:
        while place < window.size and false < _MOST_FALSE:
            i = window.show(place, _AHEAD)
            last = window.base + len(window.data) >= window.size
            limit = len(window.data) if last else len(window.data) - _LONGEST_HEADER
            data, base = window.data, window.base
            for match in _SYNC.finditer(data, i, limit):
                sample = _first_sample(data[match.start() : match.start() + _LONGEST_HEADER], head.shortest)
                if sample is not None and (not head.total or sample < head.total):
                    yield base + match.start(), sample
                else:
                    false += 1
            place = base + limit
    finally:
        window.close()


def _first_sample(data: bytes, block: int) -> int | None:
    """The number of a frame's first sample, by its header; None where it is no header."""
    if len(data) < 6 or data[2] >> 4 == 0 or data[2] & 15 == 15 or data[3] >> 4 > 10 or data[3] & 1:
        return None
    first = data[4]
    extra = 0 if first < 0x80 else 8 - (first ^ 0xFF).bit_length() - 1  # coded as in UTF-8, up to 36 bits
    if extra < 0 or (first >= 0x80 and extra == 0) or extra > 6:
        return None
    number = first if not extra else first & (0x3F >> extra)
    for byte in data[5 : 5 + extra]:
        if byte >> 6 != 2:
            return None
        number = number << 6 | byte & 63
    stop = 5 + extra
    stop += {6: 1, 7: 2}.get(data[2] >> 4, 0) + {12: 1, 13: 2, 14: 2}.get(data[2] & 15, 0)
    if stop >= len(data) or _crc8(data[:stop]) != data[stop]:
        return None
    return number if data[1] & 1 else number * block


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value = _CRC8[value ^ byte]
    return value
