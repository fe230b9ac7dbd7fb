"""Compares sets of clips with real ones, by each member: something that turns clips into points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np

from genvae.metrics.distances import frechet_infinity, kernel_distance
from genvae.metrics.embedder import Embedder, Points, Waves, default_embedder
from genvae.metrics.genres import GenreClassifier
from genvae.metrics.halves import Recordings
from genvae.metrics.neighbours import distances, neighbourhood
from genvae.metrics.space import Space
from genvae.metrics.statistics import signal_statistics
from genvae.metrics.two_sample import two_sample_auc


@dataclass(frozen=True)
class Comparison:
    """How the clips of a genre compare with real ones, or the mean over genres; docs/evaluation.md says how to read it.

    Attributes:
        accuracy: share taken for their genre by a classifier.
        frechet: squared Fréchet distance, extrapolated to sets without end; by an embedder it is the Fréchet audio
            distance (FAD).
        kid: kernel distance, KID.
        density: see `Neighbourhood`.
        coverage: likewise.
        diversity: mean distance of two clips of the genre, divided by that of real clips.
        auc: how well a classifier tells them from real ones, see `two_sample_auc`.
    """

    accuracy: float
    frechet: float
    kid: float
    density: float
    coverage: float
    diversity: float
    auc: float


NAMES = tuple(field.name for field in fields(Comparison))


@dataclass(frozen=True)
class Estimate:
    """What one member says of a set of clips.

    Attributes:
        genres: of each genre, the mean over references.
        errors: the standard deviation over references; each is made of half of the recordings, so this estimates the
            standard error of the mean (McCarthy, Pseudo-replication: half samples, 1969).
    """

    genres: Mapping[str, Comparison]
    errors: Mapping[str, Comparison]

    @property
    def value(self) -> Comparison:
        """The mean over genres."""
        return _combined(list(self.genres.values()), lambda values: float(np.mean(values)))

    @property
    def error(self) -> Comparison:
        """The standard error of that mean."""
        return _combined(
            list(self.errors.values()), lambda values: float(np.sqrt(np.square(values).sum()) / len(values))
        )

    def interval(self, name: str) -> tuple[float, float]:
        """Between what a number lies with 95 % confidence, taken as normally distributed."""
        middle, error = getattr(self.value, name), getattr(self.error, name)
        return middle - 1.96 * error, middle + 1.96 * error


Rating = Mapping[str, Estimate]
"""What each member says, by its name."""


def default_members() -> tuple[Embedder, ...]:
    """Signal statistics, and the embedder that genvae ships."""
    return signal_statistics(), default_embedder()


def compare(
    real: Mapping[str, Waves],
    other: Mapping[str, Waves],
    *,
    sample_rate: int,
    training: Mapping[str, Waves],
    members: Sequence[Embedder] = (),
) -> Rating:
    """Compare clips with real ones, genre by genre.

    There is but one reference, so that no errors can be told; `Judge` has several.

    Args:
        real: real clips of recordings that no training saw, [N, samples] in ±1 of each genre.
        other: the clips in question, likewise; as many as there are real ones, or coverage means little.
        sample_rate: of all of them, in Hz.
        training: real clips that the members' spaces and the genre classifier are fitted to; of other recordings.
        members: by default the two that genvae ships.
    """
    rating = {}
    for member in members or default_members():
        ours, theirs, training_points = (
            {genre: member.embed_at(waves, sample_rate) for genre, waves in clips.items()}
            for clips in (real, other, training)
        )
        rating[member.name] = Ear(training_points, standardised=member.has_units).estimate(
            {genre: [(ours[genre], theirs[genre], None, None)] for genre in ours}
        )
    return rating


Pair = tuple[Points, Points, Recordings | None, Recordings | None]
"""Reference and clips, as points [N, D] and [M, D], and the recordings that they are from."""


class Ear:
    """What a member's points mean: the space that they are compared in, and where its genres lie.

    Args:
        training: points [N, D] of real training clips of each genre.
        standardised: see `Space`.
    """

    def __init__(self, training: Mapping[str, Points], *, standardised: bool) -> None:
        self.space = Space(np.concatenate(list(training.values())), standardised=standardised)
        self.classifier = GenreClassifier.fit({genre: self.space(own) for genre, own in training.items()})

    def estimate(self, pairs: Mapping[str, Sequence[Pair]]) -> Estimate:
        """Compare the pairs of each genre."""
        measurements = {genre: [self._compare(genre, *pair) for pair in own] for genre, own in pairs.items()}
        return Estimate(
            {genre: _combined(own, lambda values: float(np.mean(values))) for genre, own in measurements.items()},
            {genre: _combined(own, _deviation) for genre, own in measurements.items()},
        )

    def _compare(
        self, genre: str, reference: Points, clips: Points, recordings: Recordings | None, origins: Recordings | None
    ) -> Comparison:
        real, other = self.space(reference), self.space(clips)
        near = neighbourhood(real, other)
        return Comparison(
            accuracy=self.classifier.accuracy({genre: other}),
            frechet=frechet_infinity(real, other, np.random.default_rng(0)),
            kid=kernel_distance(real, other),
            **asdict(near),
            diversity=_apart(other) / max(_apart(real), 1e-12),
            auc=two_sample_auc(
                real,
                other,
                np.arange(len(real)) if recordings is None else recordings,
                np.arange(len(other)) if origins is None else origins,
            ),
        )


def _apart(points: Points) -> float:
    """Mean distance of two different clips."""
    return float(distances(points, points).sum()) / max(len(points) * (len(points) - 1), 1)


def _deviation(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _combined(comparisons: Sequence[Comparison], how: Callable[[Sequence[float]], float]) -> Comparison:
    return Comparison(**{name: how([getattr(each, name) for each in comparisons]) for name in NAMES})
