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
            taken = min(step, int(available[i] - shares[i]), left)
            shares[i] += taken
            left -= taken
    return shares


def choose(store: ClipStore, numbers: Numbers, count: int) -> Numbers:
    """Some `count` of the clips `numbers`, evenly over recordings and over the time of each; in that order."""
    order = in_time(store, numbers)
    _, starts, available = np.unique(store.index["recording"][order], return_index=True, return_counts=True)
    taken = [
        order[start + ((np.arange(share) + 0.5) * have / share).astype(np.int64)]
        for start, have, share in zip(starts, available, even_shares(available, count), strict=True)
        if share
    ]
    return np.concatenate(taken) if taken else order


def in_time(store: ClipStore, numbers: Numbers) -> Numbers:
    """Clips sorted by recording, and by time within each."""
    return numbers[np.lexsort((store.index["offset"][numbers], store.index["recording"][numbers]))]


def shifted(store: ClipStore, numbers: Numbers, generator: np.random.Generator) -> NDArray[np.float32]:
    """The clips `numbers`, [N, samples], each begun some part of a clip later, where the one that follows is there."""
    index, samples = store.index, store.clip_samples
    places = zip(index["recording"].tolist(), index["offset"].tolist(), strict=True)
    place = {key: number for number, key in enumerate(places)}
    waves = store.waves(numbers)
    for i, number in enumerate(numbers):
        recording, offset = int(index["recording"][number]), int(index["offset"][number])
        follower = place.get((recording, offset + samples))
        if follower is not None:
            start = int(generator.integers(samples))
            waves[i] = np.concatenate([waves[i, start:], store.waves([follower])[0, :start]])
    return waves
