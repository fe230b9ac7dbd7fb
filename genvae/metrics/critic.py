"""Chooses among candidates: how surely a clip is of its genre, and how odd it is beside real clips of that genre."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from sklearn.covariance import ledoit_wolf

from genvae.clips.store import ClipStore
from genvae.errors import GenvaeError
from genvae.metrics.embedder import Embedder, Points
from genvae.metrics.genres import GenreClassifier
from genvae.metrics.sampling import choose
from genvae.tensor_files import save_tensors

CLIPS = 600
"""Training clips of a genre that a critic learns from."""
_RIDGE = 1e-3


class Critic:
    """A genre classifier, and for each genre where its real clips lie.

    Args:
        embedder: name of the embedder that made the points; others' points mean nothing to it.
        classifier: of the genres.
        means: of each genre's points, [D].
        roots: of the inverse covariance of each genre's points, [D, D].
        typical: of each genre mean and standard deviation of its points' distances from the mean, in those units.
    """

    def __init__(
        self,
        embedder: str,
        classifier: GenreClassifier,
        means: NDArray[np.float64],
        roots: NDArray[np.float64],
        typical: NDArray[np.float64],
    ) -> None:
        self.embedder, self.classifier = embedder, classifier
        self._means, self._roots, self._typical = means, roots, typical

    @classmethod
    def fit(cls, points: Mapping[str, Points], embedder: str) -> Critic:
        """Learn from points [N, D] of real training clips of each genre, of every recording about as many.

        The covariance is shrunk: Ledoit & Wolf, A well-conditioned estimator for large-dimensional covariance
        matrices, 2004.
        """
        means, roots, typical = [], [], []
        for own in points.values():
            covariance = ledoit_wolf(own)[0] if len(own) > 1 else np.eye(own.shape[1])
            covariance += _RIDGE * np.eye(own.shape[1])  # of clips that are all alike it would have no inverse
            root = np.linalg.inv(np.linalg.cholesky(covariance))
            distances = np.linalg.norm((own - own.mean(axis=0)) @ root.T, axis=1)
            means.append(own.mean(axis=0))
            roots.append(root)
            typical.append((distances.mean(), max(distances.std(), _RIDGE)))
        return cls(embedder, GenreClassifier.fit(points), np.stack(means), np.stack(roots), np.array(typical))

    @classmethod
    def of_store(cls, store: ClipStore, genres: Sequence[str], embedder: Embedder) -> Critic:
        """Learn from a store's training clips."""
        points = {}
        for genre in genres:
            numbers = np.intersect1d(store.select(split="train"), store.select(genre=genre))
            points[genre] = embedder.embed_at(store.waves(choose(store, numbers, CLIPS)), store.sample_rate)
        return cls.fit(points, embedder.name)

    def score(self, points: Points, genre: str) -> NDArray[np.float64]:
        """How good clips are as clips of a genre, points [N, D] -> [N]; higher is better.

        The logarithm of two probabilities' product: that the classifier gives the genre, and that a real clip of it
        lies further from its middle (Mahalanobis, On the generalised distance in statistics, 1936), the distances
        taken as normally distributed.
        """
        label = self.classifier.genres.index(genre)
        distances = np.linalg.norm((points - self._means[label]) @ self._roots[label].T, axis=1)
        middle, spread = self._typical[label]
        further = torch.special.log_ndtr(torch.from_numpy((middle - distances) / spread)).numpy()
        scores: NDArray[np.float64] = self.classifier.log_probabilities(points)[:, label] + further
        return scores

    def save(self, path: Path) -> None:
        """Write it as one safetensors file, whole."""
        tensors = {
            "weights": self.classifier.weights,
            "offsets": self.classifier.offsets,
            "means": self._means,
            "roots": self._roots,
            "typical": self._typical,
        }
        about = {"embedder": self.embedder, "genres": "\n".join(self.classifier.genres)}
        save_tensors(path, {name: torch.from_numpy(value).float() for name, value in tensors.items()}, about)

    @classmethod
    def load(cls, path: Path) -> Critic:
        """Read what `save` wrote.

        Raises:
            GenvaeError: the file is missing or damaged.
        """
        try:
            with safe_open(path, framework="pt") as file:
                about = file.metadata()
                value = {
                    name: file.get_tensor(name).double().numpy()
                    for name in ("weights", "offsets", "means", "roots", "typical")
                }
            genres = tuple(about["genres"].split("\n"))
            count, dimensions = value["weights"].shape
            shapes = {
                "offsets": (count,),
                "means": (count, dimensions),
                "roots": (count, dimensions, dimensions),
                "typical": (count, 2),
            }
            if len(genres) != count or any(value[name].shape != shape for name, shape in shapes.items()):
                raise ValueError("its parts do not fit each other")
            classifier = GenreClassifier(genres, value["weights"], value["offsets"])
            return cls(about["embedder"], classifier, value["means"], value["roots"], value["typical"])
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise GenvaeError(f"The critic {path} is missing or damaged ({error}).") from error
