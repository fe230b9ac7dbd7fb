"""Text from strangers, such as file names, made fit to be shown, or to name a file."""

from __future__ import annotations

import re
import sys


def printable(text: str) -> str:
    r"""`text` with everything that a terminal might stumble over or obey, or can't show, written as an escape.

    >>> print(printable("kick\x1b[31m.wav"))
    kick\x1b[31m.wav
    """
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return plain.encode(encoding, "backslashreplace").decode(encoding)


def file_stem(name: str, most: int = 150) -> str:
    """A genre's or a file's name as a part of a file's name, fit for any file system, of so many bytes at most.

    >>> file_stem("Drum & Bass")
    'Drum-Bass'
    """
    return file_part(file_part(name).strip(".-"), most) or "genre"


def file_part(text: str, most: int = 150) -> str:
    """A text as a part of a file's name that other parts stand around, of so many bytes at most.

    >>> file_part("-key-C#")
    '-key-C-'
    """
    return re.sub(r"[^\w.-]+", "-", text).encode("utf-8")[:most].decode("utf-8", "ignore")
