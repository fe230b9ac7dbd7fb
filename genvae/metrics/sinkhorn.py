"""Optimal transport between two sets of points: which clip stands for which, and what it costs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genvae.metrics.embedder import Points
from genvae.metrics.neighbours import distances

BLUR = 0.05
"""Strength of the entropy, beside the mean cost."""
_ROUNDS = 300
_CLOSE = 1e-6  # change of the potentials, beside the mean cost, at which they have settled


def transport(points: Points, others: Points, blur: float = BLUR) -> NDArray[np.float64]:
    """Which share of each point [N, D] goes to each other [M, D], at the least squared distance: [N, M], rows sum to 1.

    Cuturi, Sinkhorn Distances: Lightspeed Computation of Optimal Transport, 2013, in the logarithmic domain as in
    Peyré & Cuturi, Computational Optimal Transport, 2019, section 4.4. Every point has the same weight.

    Args:
        blur: the larger, the more evenly a point's share is spread; near 0 each point goes to one other.
    """
    cost = np.square(distances(points, others))
    epsilon = blur * max(float(cost.mean()), 1e-12)
    scaled = -cost / epsilon
    rows, columns = np.zeros(len(points)), np.zeros(len(others))
    for _ in range(_ROUNDS):
        before = rows
        rows = -np.log(len(points)) - _log_sum(scaled + columns[None], axis=1)
        columns = -np.log(len(others)) - _log_sum(scaled + rows[:, None], axis=0)
        if np.abs(rows - before).max() * epsilon < _CLOSE * cost.mean():
            break
    plan = np.exp(scaled + rows[:, None] + columns[None])
    shares: NDArray[np.float64] = plan / plan.sum(axis=1, keepdims=True)
    return shares


def _log_sum(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """The logarithm of a sum of exponentials along an axis."""
    largest = values.max(axis=axis, keepdims=True)
    logarithms: NDArray[np.float64] = np.log(np.exp(values - largest).sum(axis=axis)) + largest.squeeze(axis)
    return logarithms
