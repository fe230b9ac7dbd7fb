"""What all pictures share: colours that colour-blind people can tell apart, sizes that are legible at 600 pixels."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from genvae.errors import DiskError, GenvaeError
from genvae.files import write_whole

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe & Ito's, Color Universal Design, 2008, without the yellow, which white swallows."""
MARKERS = ("o", "^", "s", "D", "v", "P", "X")
"""One more trait to tell genres by; as many as colours, so that the two change together."""
WIDTH = 6.4
"""Of a figure in inches; at 100 pixels an inch a letter of 10 points is 14 pixels high."""
LEVELS = "magma"
"""Colour map of levels: as bright as they are high, whatever colours somebody sees."""
FORMATS = (".png", ".svg")

_DPI = 100


def colour(index: int) -> str:
    """The colour of the genre of a number."""
    return COLOURS[index % len(COLOURS)]


def marker(index: int) -> str:
    """The marker of the genre of a number."""
    return MARKERS[index % len(MARKERS)]


def figure(height: float) -> Figure:
    """An empty figure of the common width, so many inches high."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def require_format(path: Path) -> None:
    """Check that a picture can be written under a name.

    Raises:
        GenvaeError: its suffix is none of a picture.
    """
    if path.suffix.lower() not in FORMATS:
        raise GenvaeError(f"{path}: pictures are written as {' or '.join(FORMATS)}; end the name with one of them.")


def save(drawn: Figure, path: Path) -> None:
    """Write a figure as its name says; the same figure gives the same bytes.

    Raises:
        GenvaeError: the suffix is none of a picture.
        DiskError: the file can't be written.
    """
    require_format(path)
    kind = path.suffix.lower().lstrip(".")
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "genvae", "svg.fonttype": "none"}):
        drawn.savefig(buffer, format=kind, dpi=_DPI, metadata={"Date": None} if kind == "svg" else None)
    content = buffer.getvalue() if kind == "svg" else _with_palette(buffer)
    try:
        write_whole(path, content)
    except OSError as error:
        raise DiskError(f"{path} can't be written: {error.strerror}.") from error


def _with_palette(png: io.BytesIO) -> bytes:
    """The same picture in 256 colours, which is as many as a colour map has: half the bytes or less."""
    from PIL import Image

    smaller = io.BytesIO()
    with Image.open(png) as picture:
        quantised = picture.convert("RGB").quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        quantised.save(smaller, format="png", optimize=True)
    return smaller.getvalue()
