"""Cuts clips into halves that share no recording, so that who plays does not tell how it sounds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CUTS = 4

Mask = NDArray[np.bool_]
Recordings = NDArray[np.int64]
"""Of each of N clips the number of its recording, [N]; clips that were made from nothing have a number each."""


def crossed(recordings: Recordings, cuts: int = CUTS) -> list[Mask]:
    """Several ways to take about half of the clips, whole recordings each, and their complements: [N] of 2 * cuts.

    The recordings are laid out in a circle in the order of their numbers, which is that of their names, and each half
    is an arc of it. Parts of one work and pieces of one band are mostly named alike, so all but a few stay on one side.

    With a single recording, its clips are cut in time.
    """
    order = np.unique(recordings)
    if len(order) == 1:
        return crossed(np.arange(len(recordings)), cuts)
    counts = np.array([(recordings == number).sum() for number in order])
    masks: list[Mask] = []
    for cut in range(cuts):
        turned = np.roll(np.arange(len(order)), -(cut * len(order) // (2 * cuts)))
        reached = np.abs(np.cumsum(counts[turned]) - len(recordings) / 2)
        half = np.isin(recordings, order[turned[: int(reached[:-1].argmin()) + 1]])
        masks += [half, ~half]
    return masks


def alternating(recordings: Recordings) -> list[Mask]:
    """Every other clip and its complement, [N] of 2: halves of the same recordings."""
    half: Mask = np.arange(len(recordings)) % 2 == 0
    return [half, ~half]


def folds(recordings: Recordings) -> tuple[Mask, Mask]:
    """The first recordings that have half of the clips between them, and the others: [N] each."""
    first = crossed(recordings, 1)[0]
    return first, ~first
