"""Clips of a store as tensors, one batch after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.attributes import Attribute
from genvae.clips.store import ClipStore


def load(store: ClipStore, numbers: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Read clips: (waves [n, samples] in ±1, or other items as a transform takes them, genres [n])."""
    return torch.from_numpy(store.values(numbers)), genres_of(store, numbers)


def genres_of(store: ClipStore, numbers: NDArray[np.int64]) -> Tensor:
    """The genres of clips, [n]."""
    return torch.from_numpy(store.index["genre"][numbers].astype(np.int64))


def attributes_of(store: ClipStore, numbers: NDArray[np.int64], attributes: Sequence[Attribute]) -> Tensor | None:
    """What a model is told of clips beyond their genre, [n, attribute_dim]; None where a run knows no attributes.

    Raises:
        StoreError: what the store keeps of them is damaged.
    """
    if not attributes:
        return None
    return torch.from_numpy(np.concatenate([_told(store, numbers, each) for each in attributes], axis=1))


def _told(store: ClipStore, numbers: NDArray[np.int64], attribute: Attribute) -> NDArray[np.float32]:
    kept = store.attributes.get(attribute.name)
    if kept is None or bool(kept.words) != bool(attribute.words):
        return attribute.told(np.full(len(numbers), np.nan, np.float32))
    return attribute.told(kept.values[numbers], kept.words)


def spread(numbers: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most so many of the clips `numbers`, at even distances, so that each recording has its share."""
    if len(numbers) <= most:
        return numbers
    chosen: NDArray[np.int64] = numbers[np.arange(most, dtype=np.int64) * len(numbers) // most]
    return chosen


def in_order(store: ClipStore, numbers: NDArray[np.int64], batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield every clip of `numbers` once, in that order, in batches."""
    for start in range(0, len(numbers), batch_size):
        yield load(store, numbers[start : start + batch_size])
