"""What MP3 and Ogg files say of their length, where libsndfile does not tell that they were cut short."""

from __future__ import annotations

from pathlib import Path

_HEAD = 1 << 16
_OGG_PAGE = 27 + 255 + 255 * 255  # bytes of the longest


def mp3_frames(path: Path) -> int | None:
    """Sample frames that the Xing or Info tag of the first MPEG frame declares, the encoder's padding among them.

    None without such a tag: an MP3 of constant bit rate often has none, and then nothing says how long it should be.
    """
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3" and len(head) == 10:
            # The tag's size is written with seven bits a byte.
            size = (head[6] & 127) << 21 | (head[7] & 127) << 14 | (head[8] & 127) << 7 | (head[9] & 127)
            file.seek(10 + size)
            head = b""
        head += file.read(_HEAD)
    places = [place for place in (head.find(b"Xing"), head.find(b"Info")) if place >= 0]
    sync = head.find(b"\xff")
    if not places or sync < 0 or sync + 2 > min(places):
        return None
    place = min(places)
    tag = head[place + 4 : place + 12]
    if place - sync > 64 or len(tag) < 8:  # the tag stands within the first frame, behind its side information
        return None
    flags, count = int.from_bytes(tag[:4]), int.from_bytes(tag[4:])
    if not flags & 1:
        return None
    mpeg1 = head[sync + 1] >> 3 & 3 == 3
    return count * (1152 if mpeg1 else 576)


def lacks_end(path: Path) -> bool:
    """Whether the last page of an Ogg file is cut short or without the mark that ends the stream."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - 2 * _OGG_PAGE, 0))
        tail = file.read()
    page = tail.rfind(b"OggS")
    header = tail[page : page + 27]
    if page < 0 or len(header) < 27:
        return True
    segments = tail[page + 27 : page + 27 + header[26]]
    whole = len(segments) == header[26] and page + 27 + len(segments) + sum(segments) <= len(tail)
    return not (whole and header[5] & 4)
