"""Pictures made of pictures of items: the decoder over a plane of latents, a strip, and one after the other."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.latents import LatentMap
from genvae.synthesis.sound import Clip

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]

_FRAME_MS = 80


def shown(item: Clip) -> Picture:
    """The picture of an item."""
    return item.item_kind.show(item.wave.numpy())


def over_map(
    decode: Callable[[Tensor, str], Clip],
    latent_map: LatentMap,
    genres: Sequence[str],
    low: Floats,
    high: Floats,
    cells: int,
) -> Picture:
    """The decoder over a map from `low` to `high`, [cells * rows, cells * columns]: the least y stands at the bottom.

    Each place is decoded as the genre of the training clip that is nearest to it.
    """
    across, up = (low[axis] + (np.arange(cells) + 0.5) / cells * (high[axis] - low[axis]) for axis in (0, 1))
    points = torch.tensor(np.stack(np.meshgrid(across, up[::-1]), axis=-1).reshape(-1, 2), dtype=torch.float32)
    nearest = latent_map.neighbours(points, 1)[0][:, 0]
    labels = [genres[int(latent_map.genre[index])] for index in nearest]
    pictures = [shown(decode(z, genre)) for z, genre in zip(latent_map.invert(points), labels, strict=True)]
    return np.concatenate([strip(pictures[row : row + cells]) for row in range(0, len(pictures), cells)])


def strip(pictures: Sequence[Picture]) -> Picture:
    """Pictures side by side."""
    return np.concatenate(list(pictures), axis=1)


def gif(pictures: Sequence[Picture]) -> bytes:
    """A GIF file of pictures, one after the other, there and back, without end."""
    from PIL import Image

    frames = [Image.fromarray(each) for each in (*pictures, *pictures[-2:0:-1])]
    target = io.BytesIO()
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:], duration=_FRAME_MS, loop=0)
    return target.getvalue()
