"""Text from strangers, such as file names, made fit to be shown."""

from __future__ import annotations

import sys


def printable(text: str) -> str:
    r"""`text` with everything that a terminal might stumble over or obey, or can't show, written as an escape.

    >>> print(printable("kick\x1b[31m.wav"))
    kick\x1b[31m.wav
    """
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return plain.encode(encoding, "backslashreplace").decode(encoding)
