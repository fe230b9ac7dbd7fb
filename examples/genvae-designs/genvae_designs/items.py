"""The kind of items: grey pictures of 128 x 128, from files of any size and format, written as PNG."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genvae import ItemError, ItemKind
from genvae.png import encode_png
from genvae_designs.bottles import SIZE

_LARGEST = 100_000_000  # pixels of a picture, far above any photograph's


class Pictures(ItemKind):
    """Grey pictures [128, 128] from 0, black, to 1, white."""

    name = "picture"
    suffixes = (".png",)
    dtype = "u1"
    full_scale = 255
    parts = {"transform": "pixels", "model": "design-vae", "vocoder": "identity"}  # noqa: RUF012  # declared by ItemKind
    measured_by = "genvae designs score RUN STORE"
    shape = (SIZE, SIZE)

    def decode(self, source: Path) -> NDArray[np.float32]:
        """A picture of a file: upright, on white, grey, whole, centred in a square."""
        return np.asarray(square_of(source), np.float32) / 255

    def check(self, item: NDArray[Any]) -> str | None:
        """Whether it is 128 x 128 values from 0 to 1."""
        if item.shape != self.shape:
            return f"A picture is {SIZE} x {SIZE} grey values, not of shape {list(item.shape)}."
        return None if ((item >= 0) & (item <= 1)).all() else "A picture's values lie from 0 to 1."

    def encode(self, item: NDArray[np.float32], suffix: str, texts: Mapping[str, str]) -> bytes:
        """A PNG file."""
        return encode_png(self.show(item), texts)

    def show(self, item: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Itself."""
        return np.rint(255 * np.clip(item, 0, 1)).astype(np.uint8)


def square_of(source: Path):  # type: ignore[no-untyped-def]  # Pillow is imported where it is used
    """A picture of a file as Pillow's, grey and square.

    Raises:
        ItemError: it can't be read.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the size is judged here
            with Image.open(source) as opened:
                if opened.width * opened.height > _LARGEST:
                    raise ItemError(f"{opened.width} x {opened.height} pixels are more than {_LARGEST:,}")
                upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except ItemError:
        raise
    except Exception as error:  # decoders of pictures fail in many ways
        raise ItemError(f"{source.name} can't be read as a picture: {error}") from error
    white = Image.new("RGBA", upright.size, "white")
    grey = Image.alpha_composite(white, upright).convert("L")
    return ImageOps.pad(grey, (SIZE, SIZE), Image.Resampling.LANCZOS, color=255)
