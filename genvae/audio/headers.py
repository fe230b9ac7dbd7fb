"""What the headers of wav, RF64, W64, AIFF, AU and CAF files say of their sound, beside what is there.

A recorder that crashes, or a program that writes to a pipe, leaves a size of zero or of all ones, and libsndfile then
finds no sound or refuses the file. It also brings a size in line with a file that was cut short, without a word.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from genvae.audio import mp3
from genvae.audio.stretches import Outline, Stretch
from genvae.places import open_bytes

MAGICS = (b"RIFF", b"RF64", b"BW64", b"riff", b"FORM", b".snd", b"caff")
_STRAY = 64  # bytes by which a header's size may be wrong without meaning that sound was lost
_ENDLESS = 0x7FFFF000  # from here on, sizes of 32 bits are what programs write that can't know them
_MOST_CHUNKS = 10_000
_MOST_HEADER = 1 << 24  # bytes
_MPEG_LAYER_III = 0x55
_WRAPS = 1 << 32  # bytes at which a size in a wav file begins at zero again


@dataclass(frozen=True)
class _Data:
    """Where the sound of a file is.

    Attributes:
        field: places of its size in the header.
        place: of its first byte.
        size: in bytes, None where the header does not say it.
        patch: what to write into the field for libsndfile to read all that is there, None where it does so anyhow.
        header: what to read in place of the whole header, where a size is beyond the field.
    """

    field: range
    place: int
    size: int | None
    patch: bytes | None = None
    header: bytes | None = None


def look(path: Path) -> Outline:
    """What the header of a file says; an outline without anything in it where that can't be told."""
    with open_bytes(path) as file:
        magic = file.read(16)
        end = file.seek(0, os.SEEK_END)
        if magic[:4] in (b"RIFF", b"RF64", b"BW64") and magic[8:12] == b"WAVE":
            joined = _joined(file, end)
            if len(joined) > 1:
                return Outline(tuple(Stretch((each,), anew=True) for each in joined))
            data, tag = _wave(file, end)
            if data and tag == _MPEG_LAYER_III:
                stop = end if data.size is None else min(end, data.place + data.size)
                return mp3.scan(path, range(data.place, stop)) or Outline()
        elif magic[:4] == b"riff":
            data = _w64(file, end)
        elif magic[:4] == b"FORM":
            data = _aiff(file, end)
        elif magic[:4] == b".snd":
            data = _au(magic)
        elif magic[:4] == b"caff":
            data = _caf(file, end)
        else:
            data = None
        if data is None or data.place > min(end, _MOST_HEADER):
            return Outline()
        there = end - data.place
        declares = 1.0
        if data.size is not None and there and data.size > there + _STRAY:
            declares = data.size / there
        if data.header is not None:
            return Outline((Stretch((data.header, range(data.place, end))),), declares=declares)
        if data.patch is None:
            return Outline(declares=declares)
        file.seek(0)
        head = bytearray(file.read(data.place))
    head[data.field.start : data.field.stop] = data.patch
    return Outline((Stretch((bytes(head), range(data.place, end))),), declares=declares)


def _chunks(file: BinaryIO, place: int, end: int, *, width: int, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Name, place of the content and size of each chunk of a RIFF-like file, the next one on an even place."""
    for _ in range(_MOST_CHUNKS):
        file.seek(place)
        head = file.read(4 + width)
        if len(head) < 4 + width:
            return
        size = int.from_bytes(head[4:], order)  # type: ignore[arg-type]  # "little" or "big"
        yield head[:4], place + 4 + width, size
        place += 4 + width + size + (size % 2 if width == 4 else 0)
        if place >= end:  # also where a size of 64 bits is absurd
            return


def _wave(file: BinaryIO, end: int) -> tuple[_Data | None, int]:
    tag, long_size, form = 0, None, b""
    for name, place, size in _chunks(file, 12, end, width=4, order="little"):
        if name == b"fmt ":
            form = file.read(min(size, _MOST_HEADER))
            tag = int.from_bytes(form[:2], "little")
        elif name == b"ds64":
            file.seek(place + 8)
            long_size = int.from_bytes(file.read(8), "little")
        elif name == b"data":
            field = range(place - 4, place)
            if size == 0xFFFFFFFF and long_size:
                return _Data(field, place, long_size if long_size < 1 << 60 else None), tag
            if end - place >= _WRAPS and not _closes(file, place + size + size % 2, end):
                whole = size + (end - place - size) // _WRAPS * _WRAPS if 0 < size < _ENDLESS else end - place
                return _Data(field, place, whole, header=_rf64(form, whole)), tag
            if size == 0 and not _closes(file, place, end):
                return _Data(field, place, None, min(end - place, 0xFFFFFFFF).to_bytes(4, "little")), tag
            return _Data(field, place, size if 0 < size < _ENDLESS else None), tag
    return None, tag


def _rf64(form: bytes, size: int) -> bytes:
    """The header of an RF64 file, whose sizes have 64 bits, for so many bytes of sound of a format (EBU Tech 3306)."""
    unknown = b"\xff" * 4
    form += b"\0" * (len(form) % 2)
    sizes = (36 + 8 + len(form) + 8 + size).to_bytes(8, "little") + size.to_bytes(8, "little") + bytes(12)
    before = b"RF64" + unknown + b"WAVE" + b"ds64" + len(sizes).to_bytes(4, "little") + sizes
    return before + b"fmt " + len(form).to_bytes(4, "little") + form + b"data" + unknown


def _joined(file: BinaryIO, end: int) -> list[range]:
    """The places of wav files that stand one behind the other."""
    places: list[range] = []
    place = 0
    while place + 12 < end and len(places) < _MOST_CHUNKS:
        file.seek(place)
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            break
        size = 8 + int.from_bytes(head[4:8], "little")
        places.append(range(place, min(place + size + size % 2, end)))
        place += size + size % 2
    return places


def _closes(file: BinaryIO, place: int, end: int) -> bool:
    """Whether chunks from `place` on end with the file: so that an empty one before them is truly empty."""
    if place >= end:
        return True
    for name, content, size in _chunks(file, place, end, width=4, order="little"):
        if not all(32 <= byte < 127 for byte in name):
            return False
        if content + size + size % 2 >= end:
            return content + size <= end
    return False


def _w64(file: BinaryIO, end: int) -> _Data | None:
    place = 40
    for _ in range(_MOST_CHUNKS):
        if place >= end:  # also where a size is absurd
            return None
        file.seek(place)
        head = file.read(24)
        size = int.from_bytes(head[16:], "little")  # with these 24 bytes
        if len(head) < 24 or (not 24 <= size < 1 << 60 and head[:4] != b"data"):
            return None
        if head[:4] == b"data":
            return _Data(range(place + 16, place + 24), place + 24, size - 24 if 24 < size < 1 << 60 else None)
        place += size + -size % 8
    return None


def _aiff(file: BinaryIO, end: int) -> _Data | None:
    frames, block = 0, 0
    for name, place, size in _chunks(file, 12, end, width=4, order="big"):
        if name == b"COMM":
            common = file.read(26)
            frames = int.from_bytes(common[2:6])
            if size <= 18 or common[18:22] in (b"NONE", b"sowt", b"twos"):
                block = int.from_bytes(common[:2]) * -(-int.from_bytes(common[6:8]) // 8)
        elif name == b"SSND":
            field = range(place - 4, place)
            if size <= 8 and not frames:
                return _Data(field, place + 8, None, bytes(4))
            data_size = max(size - 8, frames * block)
            return _Data(field, place + 8, data_size if size < _ENDLESS else None)
    return None


def _au(head: bytes) -> _Data:
    place, size = int.from_bytes(head[4:8]), int.from_bytes(head[8:12])
    return _Data(range(8, 12), place, size if 0 < size < _ENDLESS else None, None if size else b"\xff" * 4)


def _caf(file: BinaryIO, end: int) -> _Data | None:
    for name, place, size in _chunks(file, 8, end, width=8, order="big"):
        if name == b"data":
            there = end - place
            if size <= there and size > 4:
                return None
            has_size = 4 < size < 1 << 60
            return _Data(range(place - 8, place), place + 4, size - 4 if has_size else None, there.to_bytes(8))
    return None
