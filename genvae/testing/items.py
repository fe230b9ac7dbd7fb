"""Items that are no sounds, which the checks put in where a plugin takes such."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.interfaces.dataset import Dataset, Recording
from genvae.items import ItemKind, kind_of
from genvae.testing.sounds import GENRES


def example_items(count: int, shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """Items [count, *shape] of values from 0 to 1: a bump that stands elsewhere in each, and a little noise."""
    generator = torch.Generator().manual_seed(seed)
    along = torch.linspace(0, 1, shape[-1])
    places = (torch.arange(count) + 0.5) / count
    bumps = 0.1 + 0.8 * torch.exp(-(((along - places[:, None]) / 0.1) ** 2))  # [count, last axis]
    items = bumps.view(count, *[1] * (len(shape) - 1), shape[-1]).expand(count, *shape)
    return items + 0.05 * torch.rand(count, *shape, generator=generator)


def item_kind(items: str) -> ItemKind:
    """A kind of items that is none of sounds."""
    return kind_of(items, sample_rate=0, clip_samples=0)


@dataclass
class ExampleItems(Dataset):
    """Three recordings in each of two genres, each of two items.

    Attributes:
        items: their kind.
    """

    items: str
    root: Path = Path("example")

    def recordings(self) -> Iterator[Recording]:
        """Yield the recordings."""
        for number in range(6):
            genre = GENRES[number % 2]
            opens = partial(_opened, item_kind(self.items).shape, number)
            yield Recording(id=f"{genre}/{number}", genre=genre, open=opens, fingerprint="1")


def _opened(shape: tuple[int, ...], number: int) -> NDArray[np.float32]:
    return example_items(12, shape)[2 * number : 2 * number + 2].numpy()
