from __future__ import annotations

import numpy as np
import pytest

from genvae.metrics.committee import Committee, ranked, spearman
from genvae.metrics.comparison import NAMES, Comparison, Estimate, Rating


def rating(**distances: tuple[float, float]) -> Rating:
    """What members say of two genres."""

    def comparison(frechet: float) -> Comparison:
        return Comparison(**{name: frechet if name == "frechet" else 0.0 for name in NAMES})

    return {
        m: Estimate({"a": comparison(x), "b": comparison(y)}, {"a": comparison(0), "b": comparison(0)})
        for m, (x, y) in distances.items()
    }


def test_equal_values_share_their_ranks() -> None:
    assert ranked(np.array([3.0, 1.0, 3.0, 9.0])).tolist() == [2.5, 1.0, 2.5, 4.0]


def test_the_rank_correlation_is_that_of_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(0)
    a, b = generator.integers(0, 6, 30).astype(float), generator.normal(size=30)
    assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b)[0])


def test_no_member_counts_more_than_another_whatever_its_numbers() -> None:
    rows = [rating(one=(1, 3), two=(900, 700)), rating(one=(2, 4), two=(10, 0)), rating(one=(9, 9), two=(20, 30))]
    committee = Committee.of(rows)
    assert committee.ranks.tolist() == [2.0, 1.5, 2.5]
    assert committee.agreement == {("one", "two"): pytest.approx(-0.5)}
    assert Committee.of(rows, "b").ranks.tolist() == [2.0, 1.5, 2.5]
