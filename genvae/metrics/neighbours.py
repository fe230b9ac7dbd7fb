"""Fidelity and variety by nearest neighbours: density and coverage of a set of points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genvae.metrics.embedder import Points

NEAREST = 5
"""Which neighbour's distance is the radius of a real point's ball, as Naeem et al. choose."""


@dataclass(frozen=True)
class Neighbourhood:
    """How a set of points lies among real ones.

    Attributes:
        density: balls of real points that another lies in, on average, divided by how many it would be in the real
            set; may exceed 1.
        coverage: share of the real points' balls that hold another.
    """

    density: float
    coverage: float


def neighbourhood(real: Points, other: Points, nearest: int = NEAREST) -> Neighbourhood:
    """Compare points [N, D] with real ones [M, D].

    Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, 2020. Coverage rises with the number
    of others, so compare only sets of one size.

    Args:
        nearest: each point's ball reaches to its neighbour of that rank, within its own set.
    """
    between, within = distances(real, other), _among(real)
    rank = min(nearest, len(real) - 1)
    radius = np.partition(within, rank - 1, axis=1)[:, rank - 1]
    inside = between < radius[:, None]  # [M, N]
    return Neighbourhood(
        density=float(inside.sum(axis=0).mean() / rank),
        coverage=float(inside.any(axis=1).mean()),
    )


def distances(a: Points, b: Points) -> NDArray[np.float64]:
    """Euclidean distances of points [N, D] from others [M, D]: [N, M]."""
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)[None] - 2 * a @ b.T
    lengths: NDArray[np.float64] = np.sqrt(squares.clip(0))
    return lengths


def _among(points: Points) -> NDArray[np.float64]:
    """Distances of points from each other, [N, N]; from themselves infinite."""
    lengths = distances(points, points)
    np.fill_diagonal(lengths, np.inf)
    return lengths
