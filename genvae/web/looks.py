"""How a picture of an item looks, in numbers: by these the directions of runs that make designs are named."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WORDS = (
    ("taller", "lower"),
    ("wider", "slimmer"),
    ("darker", "paler"),
    ("heavier on the right", "heavier on the left"),
    ("more detailed", "plainer"),
)
"""What `looks` measures, as words for more and for less of it."""

_DRAWN = 0.25  # of the greatest difference from the ground, above which a pixel counts as drawn


def looks(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How tall, wide and dark what is drawn is, how far to the right its weight lies, and how much detail it has, [5].

    Height and width are parts of the picture's; darkness is the mean difference from white, from 0 to 1; the weight is
    -1 where all of it lies on the left and 1 where all lies on the right; detail is the mean difference of
    neighbouring pixels, from 0 to 1. All are of what is drawn alone: of pixels that differ from the ground, the median
    of the picture's rim, by at least a quarter of what any pixel does. They are 0 where nothing is drawn.

    Args:
        picture: [rows, columns] in grey, or [rows, columns, 3 or 4] in colours.
    """
    grey = picture.astype(np.float64) / 255
    grey = grey if grey.ndim == 2 else grey[..., :3].mean(axis=2)
    rim = np.concatenate([grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]])
    away = np.abs(grey - np.median(rim))
    if not away.max() > 0:
        return np.zeros(len(WORDS))
    drawn = away >= _DRAWN * away.max()
    height, width = (np.ptp(np.nonzero(drawn.any(axis=axis))[0]) + 1 for axis in (1, 0))
    weight = np.where(drawn, away, 0).sum(axis=0)
    side = np.sign(np.arange(len(weight)) - (len(weight) - 1) / 2)
    across, down = np.abs(np.diff(grey, axis=1, append=grey[:, -1:])), np.abs(np.diff(grey, axis=0, append=grey[-1:]))
    return np.array(
        [
            height / grey.shape[0],
            width / grey.shape[1],
            1 - grey[drawn].mean(),
            weight @ side / weight.sum(),
            (across + down)[drawn].mean() / 2,
        ]
    )
