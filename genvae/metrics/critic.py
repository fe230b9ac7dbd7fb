"""Chooses among candidates: how surely a clip is of its genre, and how odd it is beside real clips of that genre."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from sklearn.covariance import ledoit_wolf

from genvae.errors import GenvaeError
from genvae.metrics.embedder import Points
from genvae.metrics.genres import GenreClassifier
from genvae.run import save_tensors


class Critic:
    """A genre classifier, and for each genre where its real clips lie.

    Args:
        embedder: name of the embedder that made the points; others' points mean nothing to it.
        classifier: of the genres.
        means, roots: of each genre's points the mean [D] and a root of the inverse covariance [D, D].
        typical: of each genre mean and standard deviation of its points' distances from the mean, in those units.
    """

    def __init__(
        self, embedder: str, classifier: GenreClassifier, means: NDArray[np.float64], roots: NDArray[np.float64],
        typical: NDArray[np.float64],
    ) -> None:  # fmt: skip
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
            covariance, _ = ledoit_wolf(own)
            root = np.linalg.inv(np.linalg.cholesky(covariance))
            distances = np.linalg.norm((own - own.mean(axis=0)) @ root.T, axis=1)
            means.append(own.mean(axis=0))
            roots.append(root)
            typical.append((distances.mean(), distances.std() + 1e-12))
        return cls(embedder, GenreClassifier.fit(points), np.stack(means), np.stack(roots), np.array(typical))

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
        made: NDArray[np.float64] = self.classifier.log_probabilities(points)[:, label] + further
        return made

    def save(self, path: Path) -> None:
        """Write it as one safetensors file, whole."""
        tensors = {
            "weights": self.classifier.weights, "offsets": self.classifier.offsets, "means": self._means,
            "roots": self._roots, "typical": self._typical,
        }  # fmt: skip
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
                value = {name: file.get_tensor(name).double().numpy() for name in
                         ("weights", "offsets", "means", "roots", "typical")}  # fmt: skip
            genres = tuple(about["genres"].split("\n"))
            count, dimensions = value["weights"].shape
            shapes = {"offsets": (count,), "means": (count, dimensions), "roots": (count, dimensions, dimensions),
                      "typical": (count, 2)}  # fmt: skip
            if len(genres) != count or any(value[name].shape != shape for name, shape in shapes.items()):
                raise ValueError("its parts do not fit each other")
            classifier = GenreClassifier(genres, value["weights"], value["offsets"])
            return cls(about["embedder"], classifier, value["means"], value["roots"], value["typical"])
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise GenvaeError(f"The critic {path} is missing or damaged ({error}).") from error
