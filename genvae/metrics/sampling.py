"""Chooses the clips that stand for a genre, evenly over its recordings, so that a long one doesn't rule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genvae.clips.store import ClipStore

Numbers = NDArray[np.int64]


def even_shares(available: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """How many to take of each, [n], so that they are as equal as can be and `count` in all, or all that there are."""
    shares = np.zeros_like(available)
    left = min(count, int(available.sum()))
    while left:
        open_ones = np.flatnonzero(shares < available)
        step = max(1, left // len(open_ones))
        for i in open_ones:
            extra = min(step, int(available[i] - shares[i]), left)
            shares[i] += extra
            left -= extra
    return shares


def choose(store: ClipStore, numbers: Numbers, count: int) -> Numbers:
    """Some `count` of the clips `numbers`, evenly over recordings and over the time of each; in that order."""
    order = in_time(store, numbers)
    _, starts, available = np.unique(store.index["recording"][order], return_index=True, return_counts=True)
    parts = [
        order[start + ((np.arange(share) + 0.5) * have / share).astype(np.int64)]
        for start, have, share in zip(starts, available, even_shares(available, count), strict=True)
        if share
    ]
    return np.concatenate(parts) if parts else order


def in_time(store: ClipStore, numbers: Numbers) -> Numbers:
    """Clips sorted by recording, and by time within each."""
    return numbers[np.lexsort((store.index["offset"][numbers], store.index["recording"][numbers]))]
