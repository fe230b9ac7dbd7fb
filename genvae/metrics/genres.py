"""Which genre a clip sounds like: a linear classifier on points, fitted to real training clips."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from genvae.metrics.embedder import Points

_PENALTY = 1e-3  # on the squared weights: points of few recordings are easily told apart, and for the wrong reasons
_STEPS = 100


class GenreClassifier:
    """Multinomial logistic regression (Hastie et al., The Elements of Statistical Learning, section 4.4).

    Args:
        genres: the names.
        weights: [len(genres), D].
        offsets: [len(genres)].
    """

    def __init__(self, genres: tuple[str, ...], weights: NDArray[np.float64], offsets: NDArray[np.float64]) -> None:
        self.genres, self.weights, self.offsets = genres, weights, offsets

    @classmethod
    def fit(cls, points: Mapping[str, Points]) -> GenreClassifier:
        """Fit to the points [N, D] of each genre; genres count equally, however many points they have."""
        genres = tuple(points)
        x = torch.from_numpy(np.concatenate([points[genre] for genre in genres]))
        counts = torch.tensor([len(points[genre]) for genre in genres])
        label = torch.repeat_interleave(torch.arange(len(genres)), counts)
        share = (1 / (counts * len(genres))).double()[label]
        weights = torch.zeros(len(genres), x.shape[1], dtype=torch.float64, requires_grad=True)
        offsets = torch.zeros(len(genres), dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.LBFGS([weights, offsets], max_iter=_STEPS, line_search_fn="strong_wolfe")

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            missed = torch.nn.functional.cross_entropy(x @ weights.T + offsets, label, reduction="none")
            loss = (missed * share).sum() + _PENALTY * weights.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        with torch.enable_grad():
            optimizer.step(closure)  # type: ignore[no-untyped-call]
        return cls(genres, weights.detach().numpy(), offsets.detach().numpy())

    def log_probabilities(self, points: Points) -> NDArray[np.float64]:
        """Natural logarithm of each genre's probability for points [N, D]: [N, len(genres)]."""
        scores = points @ self.weights.T + self.offsets
        scores -= scores.max(axis=1, keepdims=True)
        values: NDArray[np.float64] = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return values

    def accuracy(self, points: Mapping[str, Points]) -> float:
        """Share of points that are taken for their own genre, averaged over genres."""
        return float(np.mean([self._right(genre, own).mean() for genre, own in points.items()]))

    def _right(self, genre: str, points: Points) -> NDArray[np.bool_]:
        right: NDArray[np.bool_] = self.log_probabilities(points).argmax(axis=1) == self.genres.index(genre)
        return right
