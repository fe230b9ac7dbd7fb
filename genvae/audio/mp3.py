"""Counts the frames of an MPEG audio stream and finds what lies between them, by reading the header of every frame.

The length that a decoder gives is a guess from the first frame wherever no tag tells it. ISO/IEC 11172-3, section
2.4.1.3 has the header, ISO/IEC 13818-3 the lower sample rates; "Xing" and "Info" are LAME's tags, "VBRI" Fraunhofer's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from genvae.audio.stretches import Outline, Piece, Stretch, Window

_KBPS = {  # by whether it is MPEG-1, and by layer
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44100, 48000, 32000)  # Hz, of MPEG-1; half of it for MPEG-2, a quarter for MPEG-2.5
_SYNC = re.compile(rb"\xff[\xe2-\xe7\xf2-\xff][\x10-\xef]", re.DOTALL)
_TAGS = (b"Xing", b"Info", b"VBRI")
_CHAIN = 3  # further frames of one form that must follow where a stream begins or goes on after damage
_AHEAD = 1 << 14  # bytes that hold such a chain
_MOST_FALSE = 300_000  # things that look like a header and are none; a hostile file may be full of them
_STRAY = 64  # bytes between frames, at most, that are no sign of lost sound: some writers pad
_TRAILING = 8192  # bytes behind the last frame, at most, that may be a tag of somebody's own
PACKETS = 4 * 1152
"""Sample frames by which encoders' delay and padding may make the sound shorter than its frames."""


@dataclass(frozen=True)
class Header:
    """What the header of a frame says.

    Attributes:
        form: version, layer, sample rate in Hz, and whether it is mono: what all frames of a stream have in common.
        size: of the frame, in bytes.
        samples: sample frames that it gives.
        side: bytes from its beginning to where a Xing tag would stand.
    """

    form: tuple[int, int, int, bool]
    size: int
    samples: int
    side: int


@dataclass
class _Run:
    """Frames of one form up to where another file begins. Each of `parts` is whole, and damage lies between them."""

    header: Header
    first: bytes  # the header of the first frame
    tag: bytes = b""  # the first frame, if it holds a tag; it gives no sound
    tag_frames: int = 0  # frames that the tag tells of
    parts: list[tuple[list[range], int]] = field(default_factory=list)  # places, and the count of their frames
    whys: list[str] = field(default_factory=list)  # what lies before each of `parts`


def scan(path: Path, within: range | None = None) -> Outline | None:
    """Find the frames of a file, or of the places `within` it; None where it is no MPEG audio of known frame sizes.

    The outline has no stretches where libsndfile reads all of the file by itself.
    """
    window = Window(path, within.stop if within else None)
    try:
        runs, ending = _runs(window, within.start if within else 0)
    finally:
        window.close()
    if not runs:
        return None
    rate = runs[0].header.form[2]
    frames = 0
    for run in runs:
        counted = sum(count for _, count in run.parts)
        here = max(max(run.tag_frames, counted) * run.header.samples - PACKETS, 0)
        frames += here * rate // run.header.form[2]
    [first, *others] = runs
    if within is None and not others and len(first.parts) == 1 and _is_believed(first):
        return Outline(frames=frames, ending=ending)
    return Outline(tuple(stretch for run in runs for stretch in _stretches(run)), frames, ending=ending)


def header(head: bytes) -> Header | None:
    """Read a header of four bytes; None for anything else, and for the free format, which does not say its size."""
    if len(head) < 4 or not _SYNC.match(head):
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)  # version 3 is MPEG-1, 2 is MPEG-2, 0 is MPEG-2.5
    if version == 1 or layer == 4 or head[2] >> 2 & 3 == 3:
        return None
    mpeg1 = version == 3
    rate = _RATES[head[2] >> 2 & 3] // {3: 1, 2: 2, 0: 4}[version]
    bits = 1000 * _KBPS[mpeg1, layer][(head[2] >> 4) - 1]
    mono, padding = head[3] >> 6 == 3, head[2] >> 1 & 1
    if layer == 1:
        samples, size = 384, (12 * bits // rate + padding) * 4
    else:
        samples = 1152 if mpeg1 or layer == 2 else 576
        size = samples // 8 * bits // rate + padding
    side = 4 + ((17 if mono else 32) if mpeg1 else (9 if mono else 17))
    return Header((version, layer, rate, mono), size, samples, side)


def _runs(window: Window, place: int) -> tuple[list[_Run], str]:
    """The runs from `place` on, and what is wrong behind the last."""
    runs: list[_Run] = []
    place = _skip_tags(window, place)
    while (frame := _sync(window, place, runs[-1].header if runs else None)) is not None:
        at, head = frame
        skipped = at - place
        why = f"{skipped} bytes there are no MP3 frames" if skipped > _STRAY and runs else ""
        i = window.show(at, _AHEAD)
        tag, tag_frames = _tag(window.data[i : i + head.size], head)
        if not runs or runs[-1].header.form != head.form or tag:
            runs.append(_Run(head, window.data[i : i + 4], tag, tag_frames, [([], 0)], [""]))
            if tag:
                at += head.size
        if why:
            runs[-1].parts.append(([], 0))
            runs[-1].whys.append(why)
        stop, count = _follow(window, at, head)
        places, before = runs[-1].parts[-1]
        if stop > at:
            places.append(range(at, stop))
        runs[-1].parts[-1] = (places, before + count)
        place = _skip_tags(window, stop)
        if place >= window.size:
            return runs, ""
    left = window.size - place
    i = window.show(place, 4)
    cut = header(window.data[i : i + 4])
    if runs and cut and cut.form == runs[-1].header.form and cut.size > left:
        return runs, "its last MP3 frame is cut short"
    return runs, f"its last {left} bytes are no MP3 frames" if left > _TRAILING else ""


def _follow(window: Window, place: int, head: Header) -> tuple[int, int]:
    """Go from frame to frame while they have the form of `head`: where that ends, and how many there were.

    It also ends at a tag behind the first frame, as another file begins with one.
    """
    sizes: dict[bytes, int] = {}
    side = head.side
    count, begin = 0, place
    while True:
        i = window.show(place, _AHEAD)
        data = window.data
        last = window.base + len(data) >= window.size
        limit = len(data) if last else len(data) - _AHEAD
        while i < limit:
            size = sizes.get(data[i : i + 4], 0)
            if not size:
                here = header(data[i : i + 4])
                if here is None or here.form != head.form:
                    return window.base + i, count
                size = sizes[data[i : i + 4]] = here.size
            if data[i + side : i + side + 4] in _TAGS and i != begin - window.base:
                return window.base + i, count
            i += size
            count += 1
        if i > len(data):  # the last one is cut short
            return window.base + i - size, count - 1
        place = window.base + i
        if last:
            return place, count


def _sync(window: Window, place: int, before: Header | None) -> tuple[int, Header] | None:
    """The next place where a chain of frames begins, and its first header."""
    false = 0
    while place < window.size and false < _MOST_FALSE:
        i = window.show(place, 2 * _AHEAD)
        last = window.base + len(window.data) >= window.size
        limit = len(window.data) if last else len(window.data) - _AHEAD
        for match in _SYNC.finditer(window.data, i, limit):
            here = header(window.data[match.start() : match.start() + 4])
            if here and _is_chain(window.data, match.start(), here, last):
                return window.base + match.start(), here
            false += 1
        place = window.base + limit
        if last:
            break
    return None


def _is_chain(data: bytes, i: int, head: Header, last: bool) -> bool:
    for count in range(_CHAIN + 1):
        here = header(data[i : i + 4])
        if here is None or here.form != head.form:
            # Fewer will do where the stream ends properly.
            return count > 0 and ((last and i >= len(data)) or data[i : i + 3] in (b"TAG", b"ID3", b"APE"))
        i += here.size
        if last and i > len(data):
            return count > 0
    return True


def _tag(frame: bytes, head: Header) -> tuple[bytes, int]:
    """A frame that holds a tag rather than sound, and the count of frames that it tells, 0 for none."""
    xing, vbri = frame[head.side :], frame[36:]
    if head.form[1] == 3 and xing[:4] in (b"Xing", b"Info"):
        return frame, int.from_bytes(xing[8:12]) if xing[7] & 1 else 0
    if head.form[1] == 3 and vbri[:4] == b"VBRI":
        return frame, int.from_bytes(vbri[14:18])
    return b"", 0


def _skip_tags(window: Window, place: int) -> int:
    """Go past tags of ID3, APE and Lyrics3."""
    while True:
        i = window.show(place, _AHEAD)
        head = window.data[i : i + 32]
        if head[:3] == b"ID3" and len(head) >= 10 and head[3] < 255 and not any(byte & 128 for byte in head[6:10]):
            size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]  # seven bits a byte
            place += 10 + size + (10 if head[5] & 16 else 0)
        elif head[:4] == b"TAG+":
            place += 227
        elif head[:3] == b"TAG" and place + 128 <= window.size:
            place += 128
        elif head[:8] == b"APETAGEX" and len(head) == 32:
            place += int.from_bytes(head[12:16], "little") + (32 if head[23] & 32 else 0)
        elif head[:11] == b"LYRICSBEGIN" and (end := window.data.find(b"LYRICS200", i, i + _AHEAD)) >= 0:
            place += end + 9 - i
        else:
            return place


def _is_believed(run: _Run) -> bool:
    """Whether libsndfile, given the file, reads all of it: where a tag tells of as many frames as there are."""
    return bool(run.tag) and run.tag_frames == run.parts[0][1] and len(run.parts[0][0]) == 1


def _stretches(run: _Run) -> Iterator[Stretch]:
    for number, ((places, count), why) in enumerate(zip(run.parts, run.whys, strict=True)):
        if count:
            tag = _new_tag(run, count)
            if number == 0 and run.tag[run.header.side :][:4] in (b"Xing", b"Info"):
                tag = _true_tag(run, count)
            pieces: list[Piece] = [*([tag] if tag else []), *places]
            yield Stretch(tuple(pieces), why, anew=number == 0)


def _true_tag(run: _Run, count: int) -> bytes:
    """The first frame with the true count, and where it was another, without what it says of the end."""
    tag, at = bytearray(run.tag), run.header.side
    flags = tag[at + 7]
    if run.tag_frames == count:
        return run.tag
    if not flags & 1:
        return _new_tag(run, count)
    tag[at + 8 : at + 12] = count.to_bytes(4)
    place = at + 12
    if flags & 2:
        bytes_ = len(tag) + sum(len(each) for each in run.parts[0][0])
        tag[place : place + 4] = bytes_.to_bytes(4)
        place += 4
    place += (100 if flags & 4 else 0) + (4 if flags & 8 else 0)
    if bytes(tag[place : place + 4]) in (b"LAME", b"Lavf", b"Lavc"):
        tag[place + 22] &= 0xF0  # the padding: the lower half of this byte and the next one
        tag[place + 23] = 0
    return bytes(tag)


def _new_tag(run: _Run, count: int) -> bytes:
    """A frame with an Info tag that tells the true count, for the decoder to believe."""
    if run.header.form[1] != 3:
        return b""  # only layer III has such tags
    a, b, c, d = run.first
    head = bytes((a, b | 1, 14 << 4 | c & 0b1100, d))  # without a checksum, in the largest frame there is
    frame = header(head)
    assert frame is not None  # the form is that of a frame that was read
    tag = b"Info" + (1).to_bytes(4) + count.to_bytes(4)
    return (head + bytes(frame.side - 4) + tag).ljust(frame.size, b"\0")
