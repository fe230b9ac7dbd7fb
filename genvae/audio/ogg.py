"""Finds the whole pages of an Ogg file: where it is damaged, and where another stream begins (RFC 3533).

libsndfile reads the first of several chained streams, and passes over pages that are missing without a word.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from genvae.audio.stretches import Outline, Piece, Stretch, Window
from genvae.places import open_bytes

_LONGEST = 27 + 255 + 255 * 255  # bytes of a page
_HEADERS = {b"\x01vorbis": 3, b"OpusHead": 2}
"""How the first packet of a stream that can be cut begins, and how many packets of it are headers."""
_OPUS_CLOCK = 48000  # Hz, whatever rate the sound had before it was encoded
_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_CONTINUED, _BEGINS, _ENDS = 1, 2, 4
UNENDED = "the Ogg stream stops without the mark of its end: the file was cut short"


@dataclass(frozen=True)
class _Page:
    """A page whose checksum is right."""

    place: int
    size: int
    flags: int
    granule: int
    serial: int
    number: int
    packets: int  # that end on it
    body: bytes  # its beginning


@dataclass
class _Link:
    """One of the streams that follow each other in a file; each of `parts` is whole, and damage lies between them."""

    serial: int
    headers_left: int
    clock: int | None  # Hz in which its granules count; None for its own sample rate
    skip: int  # sample frames at its beginning that are not meant to be heard
    head: list[_Page] = field(default_factory=list)
    parts: list[list[_Page]] = field(default_factory=lambda: [[]])  # the first and the last page of each
    whys: list[str] = field(default_factory=lambda: [""])
    granules: list[int] = field(default_factory=lambda: [0])  # the last one of each part
    ended: bool = False


def scan(path: Path) -> Outline | None:
    """Find the streams of an Ogg file and the damage in them; None where they are not Vorbis or Opus, one by one.

    The outline has no stretches where libsndfile reads all of the file by itself.
    """
    window = Window(path)
    try:
        links = _links(window)
    finally:
        window.close()
    if not links:
        return None
    ending = "" if links[-1].ended else UNENDED
    if len(links) == 1 and len(links[0].parts) == 1 and not links[0].whys[0]:
        return Outline(ending=ending)
    stretches: list[Stretch] = []
    for number, link in enumerate(links):
        unended = UNENDED if number and not links[number - 1].ended else ""
        stretches += _stretches(path, link, unended)
    return Outline(tuple(stretches), ending=ending)


def checksum(page: bytes) -> int:
    """The CRC of a page (polynomial 0x04c11db7, from the highest bit on, begun with 0), its own field being zero.

    zlib's has the same polynomial but goes from the lowest bit on, so it is given every byte mirrored.
    """
    mirrored = zlib.crc32(page.translate(_MIRROR), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRROR))


def _pages(window: Window) -> Iterator[tuple[_Page, int]]:
    """The pages, and how many bytes before each belong to none. Ends early where looking takes too long."""
    place, skipped, effort = 0, 0, 4 * window.size + (1 << 20)
    while place < window.size and effort > 0:
        i = window.show(place, _LONGEST)
        page = _page(window, i)
        if page:
            yield page, skipped
            place, skipped = place + page.size, 0
            continue
        effort -= _LONGEST
        following = window.data.find(b"OggS", i + 1)
        step = (following if following >= 0 else max(len(window.data) - 3, i + 1)) - i
        place, skipped = place + step, skipped + step


def _page(window: Window, i: int) -> _Page | None:
    data = window.data
    if data[i : i + 5] != b"OggS\0" or i + 27 > len(data):
        return None
    body = i + 27 + data[i + 26]
    lacing = data[i + 27 : body]
    stop = body + sum(lacing)
    if stop > len(data):
        return None
    stored_checksum = int.from_bytes(data[i + 22 : i + 26], "little")
    if checksum(data[i : i + 22] + b"\0\0\0\0" + data[i + 26 : stop]) != stored_checksum:
        return None
    return _Page(
        place=window.base + i,
        size=stop - i,
        flags=data[i + 5],
        granule=int.from_bytes(data[i + 6 : i + 14], "little", signed=True),
        serial=int.from_bytes(data[i + 14 : i + 18], "little"),
        number=int.from_bytes(data[i + 18 : i + 22], "little"),
        packets=len(lacing) - lacing.count(255),
        body=data[body : body + 32],
    )


def _links(window: Window) -> list[_Link] | None:
    """The streams one after the other; None where one is of another kind, or several are interleaved."""
    links: list[_Link] = []
    before: _Page | None = None
    for page, skipped in _pages(window):
        if page.flags & _BEGINS:
            if before and before.flags & _BEGINS:
                return None
            count = next((n for name, n in _HEADERS.items() if page.body.startswith(name)), 0)
            if not count:
                return None
            opus = page.body.startswith(b"OpusHead")
            skip = int.from_bytes(page.body[10:12], "little") if opus else 0
            links.append(_Link(page.serial, count, _OPUS_CLOCK if opus else None, skip))
        elif not links or page.serial != links[-1].serial:
            return None
        link = links[-1]
        follows = bool(page.flags & _BEGINS) or (before is not None and page.number == before.number + 1)
        before = page
        if link.headers_left > 0:
            if not follows:
                return None  # without its headers nothing of it can be decoded
            link.head.append(page)
            link.headers_left -= page.packets
            continue
        if not follows or (skipped and link.parts[-1]):
            if link.parts[-1]:
                link.parts.append([])
                link.granules.append(0)
                link.whys.append("")
            link.whys[-1] = f"{skipped} bytes there are damaged" if skipped else "pages of the Ogg stream are missing"
        link.parts[-1] = [*link.parts[-1][:1], page]
        if page.granule > 0:
            link.granules[-1] = page.granule
        link.ended = bool(page.flags & _ENDS)
    return [link for link in links if link.parts[0]] if all(link.headers_left <= 0 for link in links) else None


def _stretches(path: Path, link: _Link, unended: str) -> Iterator[Stretch]:
    head: list[Piece] = [range(page.place, page.place + page.size) for page in link.head]
    for number, (pages, why, granule) in enumerate(zip(link.parts, link.whys, link.granules, strict=True)):
        if (number or why) and link.skip:
            head[0] = _without_skip(path, link.head[0])
        place = range(pages[0].place, pages[-1].place + pages[-1].size)
        end = granule - link.skip if granule else None
        if number == 0 and unended and not why:
            yield Stretch((*head, place), unended, anew=True)  # nobody can say how much is missing
        else:
            yield Stretch((*head, place), why, anew=not number, end=end, clock=link.clock)


def _without_skip(path: Path, page: _Page) -> bytes:
    """The head of an Opus stream that says nothing of what to skip (RFC 7845, section 5.1)."""
    with open_bytes(path) as file:
        file.seek(page.place)
        head = bytearray(file.read(page.size))
    body = 27 + head[26]
    head[body + 10 : body + 12] = b"\0\0"
    head[22:26] = b"\0\0\0\0"
    head[22:26] = checksum(bytes(head)).to_bytes(4, "little")
    return bytes(head)
