"""What the members say together: each row's mean rank, and how far they agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from genvae.metrics.comparison import Rating


@dataclass(frozen=True)
class Committee:
    """The plain average of the members, none of which counts more.

    Attributes:
        ranks: of each row the mean over members of its rank by Fréchet distance, [rows]; 1 for the nearest to real
            clips.
        agreement: of each pair of members the rank correlation of the rows (Spearman 1904).
    """

    ranks: NDArray[np.float64]
    agreement: dict[tuple[str, str], float]

    @classmethod
    def of(cls, ratings: Sequence[Rating], genre: str | None = None) -> Committee:
        """The committee on some rows, by a genre or the mean over genres."""
        names = list(ratings[0])
        distances = {name: np.array([distance(rating, name, genre) for rating in ratings]) for name in names}
        ranks = {name: ranked(values) for name, values in distances.items()}
        pairs = {(a, b): spearman(distances[a], distances[b]) for a, b in combinations(names, 2)}
        return cls(np.mean(list(ranks.values()), axis=0), pairs)


def distance(rating: Rating, member: str, genre: str | None = None) -> float:
    """A member's Fréchet distance, of a genre or the mean over genres."""
    estimate = rating[member]
    return (estimate.value if genre is None else estimate.genres[genre]).frechet


def ranked(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rank of each value [N] from the smallest, 1; equal values share the mean of their ranks."""
    below = (values[None] < values[:, None]).sum(axis=1)
    equal = (values[None] == values[:, None]).sum(axis=1)
    ranks: NDArray[np.float64] = below + (equal + 1) / 2
    return ranks


def spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Rank correlation of two lists of values [N]: 1 for one order, -1 for opposite ones."""
    if len(a) < 2:
        return float("nan")
    return float(np.corrcoef(ranked(a), ranked(b))[0, 1])
