"""How well a classifier tells clips from real ones that it was not taught on, and by what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from genvae.metrics.embedder import Points
from genvae.metrics.halves import Mask, Recordings, folds
from genvae.metrics.statistics import Statistic

TELLING = 5
"""How many statistics are named."""


def two_sample_auc(real: Points, other: Points, real_recordings: Recordings, other_recordings: Recordings) -> float:
    """Area under the receiver's curve of a classifier between real and other clips: 0.5 for alike, 1 for told apart.

    Lopez-Paz & Oquab, Revisiting Classifier Two-Sample Tests, 2017, with the area in place of the accuracy, as it
    does not depend on a threshold. It is taught on one half of both and tested on the other, in turns; no recording is
    in both halves. The classifier is linear discriminant analysis with a shrunk covariance (Ledoit & Wolf 2004).

    Args:
        real: points [N, D].
        other: points [M, D].
        real_recordings: [N].
        other_recordings: [M].
    """
    first_real, second_real = folds(real_recordings)
    first_other, second_other = folds(other_recordings)

    def taught(here: tuple[Mask, Mask], there: tuple[Mask, Mask]) -> float:
        points = np.concatenate([real[here[0]], other[here[1]]])
        is_other = np.repeat([0, 1], [here[0].sum(), here[1].sum()])
        classifier = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto", priors=(0.5, 0.5)).fit(
            points, is_other
        )
        return area(classifier.decision_function(real[there[0]]), classifier.decision_function(other[there[1]]))

    first, second = (first_real, first_other), (second_real, second_other)
    if min(half.sum() for half in (*first, *second)) < 2:
        return 0.5
    return (taught(first, second) + taught(second, first)) / 2


def area(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """Probability that one of `high` [M] exceeds one of `low` [N], ties counting half (Mann & Whitney 1947)."""
    ordered = np.sort(low)
    below = np.searchsorted(ordered, high, side="left") + np.searchsorted(ordered, high, side="right")
    return float(below.mean() / (2 * len(low)))


@dataclass(frozen=True)
class Difference:
    """How clips differ from real ones in one statistic.

    Attributes:
        statistic: which.
        shift: median of the clips less that of the real ones, in the statistic's unit.
        area: probability that one of them exceeds a real one; 0.5 where the statistic tells nothing.
    """

    statistic: Statistic
    shift: float
    area: float

    def __str__(self) -> str:
        return f"{self.statistic.name} {self.statistic.written(self.shift)}"


def telling(real: Points, other: Points, statistics: tuple[Statistic, ...], count: int = TELLING) -> list[Difference]:
    """The statistics by which clips are told best from real ones, most telling first, one of each family.

    Args:
        real: statistics [N, D] of real clips.
        other: statistics [M, D].
        statistics: what they are, [D].
        count: how many.
    """
    differences = [
        Difference(statistic, float(np.median(theirs) - np.median(ours)), area(ours, theirs))
        for statistic, ours, theirs in zip(statistics, real.T, other.T, strict=True)
    ]
    best: dict[str, Difference] = {}
    for each in sorted(differences, key=lambda each: -abs(each.area - 0.5)):
        best.setdefault(each.statistic.family, each)
    return list(best.values())[:count]
