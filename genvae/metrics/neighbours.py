"""Fidelity and variety by nearest neighbours: precision, recall, density and coverage of a set of points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from genvae.metrics.embedder import Points

NEAREST = 5
"""Which neighbour's distance is the radius of a real point's ball, as Naeem et al. choose."""


@dataclass(frozen=True)
class Neighbourhood:
    """How two sets of points lie among each other.

    precision: share of the others within the ball of some real point. recall: share of the real points within the
    ball of some other. density: balls of real points that another lies in, on average, divided by how many it would
    be in the real set; may exceed 1. coverage: share of the real points' balls that hold another.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def neighbourhood(real: Points, other: Points, nearest: int = NEAREST) -> Neighbourhood:
    """Compare points [N, D] with real ones [M, D].

    Precision and recall: Kynkäänniemi et al., Improved Precision and Recall Metric for Assessing Generative Models,
    2019. Density and coverage: Naeem et al., Reliable Fidelity and Diversity Metrics for Generative Models, 2020.
    Recall and coverage rise with the number of others, so compare only sets of one size.

    Args:
        nearest: each point's ball reaches to its neighbour of that rank, within its own set.
    """
    between = distances(real, other)  # [M, N]
    within = between < radii(real, nearest)[:, None]
    found = between < radii(other, nearest)[None]
    return Neighbourhood(
        precision=float(within.any(axis=0).mean()),
        recall=float(found.any(axis=1).mean()),
        density=float(within.sum(axis=0).mean() / nearest),
        coverage=float(within.any(axis=1).mean()),
    )


def radii(points: Points, nearest: int) -> NDArray[np.float64]:
    """Distance of each point [N, D] from its neighbour of that rank, [N]; with fewer points, from the farthest."""
    rank = min(nearest, len(points) - 1)
    within = distances(points, points)
    np.fill_diagonal(within, 0)  # exactly, so that a point is the first of its own neighbours
    found: NDArray[np.float64] = np.partition(within, rank, axis=1)[:, rank]
    return found


def distances(a: Points, b: Points) -> NDArray[np.float64]:
    """Euclidean distances of points [N, D] from others [M, D]: [N, M]."""
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)[None] - 2 * a @ b.T
    found: NDArray[np.float64] = np.sqrt(squares.clip(0))
    return found
