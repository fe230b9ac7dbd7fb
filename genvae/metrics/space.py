"""The space in which a member's points are compared: where real clips vary, in units of how much they do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genvae.metrics.embedder import Points

COMPONENTS = 24
"""As many as some 120 clips tell the covariance of."""
_FURTHEST = 8.0  # standard deviations: one odd clip must not be the whole covariance
_FLAT = 1e-6


class Space:
    """The directions in which real clips vary most, in units of how much they do.

    Args:
        points: of real training clips of all genres, [N, D].
        standardised: whether each coordinate counts in its own standard deviations, as where they have units; otherwise
            one factor serves all.
        components: bounded by D and by N.
    """

    def __init__(self, points: Points, *, standardised: bool, components: int = COMPONENTS) -> None:
        self._mean = points.mean(axis=0)
        deviation = np.maximum(points.std(axis=0), _FLAT)
        self._spread = deviation if standardised else np.ones_like(deviation)
        self._furthest = _FURTHEST if standardised else np.inf
        centred = self.standardised(points)
        variance, vectors = np.linalg.eigh(centred.T @ centred / len(points))
        count = min(components, len(points) - 1, points.shape[1])
        scale = 1.0 if standardised else float(np.sqrt(max(variance[-count:].mean(), _FLAT**2)))
        self._directions: NDArray[np.float64] = vectors[:, ::-1][:, :count] / scale

    def standardised(self, points: Points) -> Points:
        """Points [N, D] from the mean, and where asked for in standard deviations, [N, D]."""
        scores: Points = ((points - self._mean) / self._spread).clip(-self._furthest, self._furthest)
        return scores

    def __call__(self, points: Points) -> Points:
        """Points [N, D] -> [N, components]."""
        projected: Points = self.standardised(points) @ self._directions
        return projected
