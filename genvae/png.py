"""PNG files with text inside: for kinds of items that are written so, and for those that ask what made one."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genvae.errors import ItemError

_KEYWORDS = {"ICMT": "Comment", "ISFT": "Software"}  # of PNG, by the RIFF names that sounds have


def encode_png(picture: NDArray[np.uint8], texts: Mapping[str, str] | None = None) -> bytes:
    """A PNG file.

    Args:
        picture: [rows, columns] in grey, or [rows, columns, 3 or 4] in colours.
        texts: ASCII texts by RIFF names: `ICMT` becomes the comment, `ISFT` the software.
    """
    from PIL import Image  # which only those who write or read one should pay for
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    for name, text in (texts or {}).items():
        chunks.add_text(_KEYWORDS[name], text)
    target = io.BytesIO()
    Image.fromarray(picture).save(target, "PNG", pnginfo=chunks)
    return target.getvalue()


def read_comment(path: Path) -> str:
    """The comment that stands before the pixels of a PNG file, empty where there is none.

    Raises:
        ItemError: it can't be read, or is no PNG file.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a large picture costs nothing, as its pixels are not read
            with Image.open(path, formats=["PNG"]) as picture:
                return str(picture.info.get("Comment", ""))
    except Exception as error:  # what is no PNG fails in many ways
        raise ItemError(f"{path} can't be read: it is missing, or no .png file.") from error
