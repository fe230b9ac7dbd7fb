"""Compares sets of clips as an embedder hears them: every number with how far chance alone would move it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np

from genvae.metrics.distances import frechet_infinity, kernel_distance
from genvae.metrics.embedder import Embedder, Points, Waves, default_embedder
from genvae.metrics.genres import GenreClassifier
from genvae.metrics.neighbours import distances, neighbourhood

RESAMPLES = 30


@dataclass(frozen=True)
class Comparison:
    """How a set of clips compares with real ones; docs/evaluation.md says how to read it.

    accuracy: share taken for their genre by a classifier. frechet: squared Fréchet distance, extrapolated to sets
    without end. kernel: unbiased kernel distance. precision, recall, density, coverage: see `neighbourhood`.
    diversity: mean distance of two clips of a genre, divided by that of real clips.
    """

    accuracy: float
    frechet: float
    kernel: float
    precision: float
    recall: float
    density: float
    coverage: float
    diversity: float


@dataclass(frozen=True)
class Estimate:
    """A comparison, and the standard error of each of its numbers."""

    value: Comparison
    error: Comparison

    def interval(self, name: str) -> tuple[float, float]:
        """Between what a number lies with 95 % confidence, taken as normally distributed."""
        middle, error = getattr(self.value, name), getattr(self.error, name)
        return middle - 1.96 * error, middle + 1.96 * error


def compare(
    real: Mapping[str, Waves], other: Mapping[str, Waves], *, sample_rate: int, training: Mapping[str, Waves],
    embedder: Embedder | None = None, resamples: int = RESAMPLES, seed: int = 0,
) -> Estimate:  # fmt: skip
    """Compare clips with real ones, genre by genre and as a whole.

    Args:
        real: real clips of recordings that no training saw, [N, samples] in ±1 of each genre, as many of each.
        other: the clips in question, likewise; as many as there are real ones, or recall and coverage mean little.
        sample_rate: of all of them, in Hz.
        training: real clips that the genre classifier is fitted to; of other recordings than `real`.
        embedder: by default the one that genvae ships.
        resamples: draws for the standard errors.
    """
    ears = embedder or default_embedder()
    points = [{genre: ears.embed_at(waves, sample_rate) for genre, waves in clips.items()}
              for clips in (real, other, training)]  # fmt: skip
    return compare_points(points[0], points[1], GenreClassifier.fit(points[2]), resamples=resamples, seed=seed)


def compare_points(
    real: Mapping[str, Points], other: Mapping[str, Points], classifier: GenreClassifier, *,
    resamples: int = RESAMPLES, seed: int = 0,
) -> Estimate:  # fmt: skip
    """As `compare`, of points [N, D].

    The standard errors are those of the bootstrap (Efron & Tibshirani, An Introduction to the Bootstrap, 1993,
    chapter 6) over the clips in question; the real ones are held fixed, so that they say what other clips from the
    same source might have given.
    """
    generator = np.random.default_rng(seed)
    value = _once(real, other, classifier, generator)
    again = [
        asdict(_once(real, {genre: own[generator.integers(len(own), size=len(own))] for genre, own in other.items()},
                     classifier, generator))
        for _ in range(resamples)
    ]  # fmt: skip
    spread = {name: float(np.std([each[name] for each in again], ddof=1)) for name in asdict(value)}
    return Estimate(value, Comparison(**spread))


def _once(
    real: Mapping[str, Points], other: Mapping[str, Points], classifier: GenreClassifier, generator: np.random.Generator
) -> Comparison:
    ours, theirs = np.concatenate(list(other.values())), np.concatenate(list(real.values()))
    near = neighbourhood(theirs, ours)
    return Comparison(
        accuracy=classifier.accuracy(other),
        frechet=frechet_infinity(theirs, ours, generator),
        kernel=kernel_distance(theirs, ours),
        precision=near.precision,
        recall=near.recall,
        density=near.density,
        coverage=near.coverage,
        diversity=_apart(other) / max(_apart(real), 1e-12),
    )


def _apart(points: Mapping[str, Points]) -> float:
    """Mean distance of two different clips of one genre, averaged over genres."""
    means = []
    for own in points.values():
        pairs = max(len(own) * (len(own) - 1), 1)
        means.append(distances(own, own).sum() / pairs)
    return float(np.mean(means))
