"""Chooses among candidates: how surely a clip is of its genre, and how like a real one of it rather than a made one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from genvae.errors import Cure, GenvaeError
from genvae.metrics.embedder import Points
from genvae.metrics.genres import GenreClassifier
from genvae.tensor_files import save_tensors

Array = NDArray[np.float64]
ODDS = 0.05
"""How much the ratios count beside the genre: so much that neither goes unheard (docs/evaluation.md)."""
_FURTHEST = 8.0  # standard deviations: one odd coordinate must not decide
_FLAT = 1e-6


@dataclass(frozen=True)
class Ratio:
    """By one member, how much likelier a clip is a real one of its genre than one that a run made.

    Linear discriminant analysis with a shrunk covariance (Ledoit & Wolf, A well-conditioned estimator for
    large-dimensional covariance matrices, 2004), of points in standard deviations. What is chosen by such a ratio comes
    nearer to the real distribution: Azadi et al., Discriminator Rejection Sampling, 2019.

    Attributes:
        means: of each genre's real points, [genres, D].
        spreads: their standard deviations, [genres, D].
        weights: of the points in those, [genres, D].
        offsets: [genres].
    """

    means: Array
    spreads: Array
    weights: Array
    offsets: Array

    @classmethod
    def fit(cls, real: Sequence[Points], made: Sequence[Points]) -> Ratio:
        """Learn from real and made points [N, D] of each genre."""
        parts: list[tuple[Array, Array, Array, Array]] = []
        for ours, theirs in zip(real, made, strict=True):
            mean, spread = ours.mean(axis=0), np.maximum(ours.std(axis=0), _FLAT)
            points = _standardised(np.concatenate([ours, theirs]), mean, spread)
            is_real = np.repeat([1, 0], [len(ours), len(theirs)])
            fitted = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=(0.5, 0.5)).fit(points, is_real)
            parts.append((mean, spread, fitted.coef_[0], fitted.intercept_[0]))
        return cls(*(np.stack(part) for part in zip(*parts, strict=True)))

    def __call__(self, points: Points, label: int) -> Array:
        """The natural logarithm of the ratio for points [N, D] of a genre, [N]."""
        standardised = _standardised(points, self.means[label], self.spreads[label])
        odds: Array = standardised @ self.weights[label] + self.offsets[label]
        return odds


def _standardised(points: Points, mean: Array, spread: Array) -> Array:
    scores: Array = ((points - mean) / spread).clip(-_FURTHEST, _FURTHEST)
    return scores


class Critic:
    """A genre classifier, and for each member a ratio of real to made clips.

    Args:
        classifier: of the genres, by the points of the last member.
        ratios: by the members' names; points of others mean nothing to it.
    """

    def __init__(self, classifier: GenreClassifier, ratios: Mapping[str, Ratio]) -> None:
        self.classifier, self.ratios = classifier, dict(ratios)

    @classmethod
    def fit(cls, real: Mapping[str, Mapping[str, Points]], made: Mapping[str, Mapping[str, Points]]) -> Critic:
        """Learn from points [N, D] of each genre by each member's name.

        Args:
            real: of training clips, of every recording about as many.
            made: of clips that the run made.
        """
        ratios = {
            member: Ratio.fit(list(real[member].values()), [made[member][genre] for genre in real[member]])
            for member in real
        }
        return cls(GenreClassifier.fit(real[list(real)[-1]]), ratios)

    def score(self, points: Mapping[str, Points], genre: str, *, odds: float = ODDS) -> Array:
        """How good clips are as clips of a genre, points [N, D] by each member's name -> [N]; higher is better.

        The log-probability that the classifier gives the genre, and the log-ratios times `odds`.
        """
        label = self.classifier.genres.index(genre)
        ratios = np.sum([ratio(points[member], label) for member, ratio in self.ratios.items()], axis=0)
        last = points[list(self.ratios)[-1]]
        scores: Array = self.classifier.log_probabilities(last)[:, label] + odds * ratios
        return scores

    def save(self, path: Path) -> None:
        """Write it as one safetensors file, whole."""
        tensors = {"weights": self.classifier.weights, "offsets": self.classifier.offsets}
        for number, ratio in enumerate(self.ratios.values()):
            tensors |= {f"{number}.{part.name}": getattr(ratio, part.name) for part in fields(Ratio)}
        about = {"members": "\n".join(self.ratios), "genres": "\n".join(self.classifier.genres)}
        save_tensors(path, {name: torch.from_numpy(value).float() for name, value in tensors.items()}, about)

    @classmethod
    def load(cls, path: Path) -> Critic:
        """Read what `save` wrote.

        Raises:
            GenvaeError: the file is missing, damaged, or of a genvae whose critics knew genres alone.
        """
        try:
            with safe_open(path, framework="pt") as file:
                about = file.metadata()
                genres, members = tuple(about["genres"].split("\n")), about["members"].split("\n")

                def read(name: str, *shape: int) -> Array:
                    value: Array = file.get_tensor(name).double().numpy()
                    if value.shape != shape:
                        raise ValueError("its parts do not fit each other")
                    return value

                ratios = {}
                for number, member in enumerate(members):
                    size = file.get_slice(f"{number}.means").get_shape()[-1]
                    sizes = {"means": (size,), "spreads": (size,), "weights": (size,), "offsets": ()}
                    own = {part: read(f"{number}.{part}", len(genres), *rest) for part, rest in sizes.items()}
                    ratios[member] = Ratio(**own)
                classifier = GenreClassifier(genres, read("weights", len(genres), size), read("offsets", len(genres)))
            return cls(classifier, ratios)
        except (SafetensorError, OSError, KeyError, IndexError, TypeError, ValueError) as error:
            raise GenvaeError(
                f"The critic {path} is missing, damaged or too old ({error}).",
                cure=Cure.of("make_critic", run=path.parent, store="STORE"),
            ) from error
