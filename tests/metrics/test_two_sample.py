from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from genvae.metrics.statistics import Statistic
from genvae.metrics.two_sample import area, telling, two_sample_auc

STATISTICS = (
    Statistic("noise floor", "3-9 kHz", "dB"),
    Statistic("noise floor", "1-3 kHz", "dB"),
    Statistic("flux", "", ""),
)


def drawn(count: int, shift: float, seed: int) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(count, 3)) + np.array([shift, 0, 0])


def test_clips_of_one_source_are_not_told_apart() -> None:
    each = [two_sample_auc(drawn(80, 0, s), drawn(80, 0, s + 100), np.arange(80), np.arange(80)) for s in range(10)]
    assert np.mean(each) == pytest.approx(0.5, abs=0.05)


def test_a_shift_is_told_as_well_as_the_best_classifier_tells_it() -> None:
    # Of two Gaussians a distance d apart the best area is the normal distribution's function of d / sqrt(2).
    found = two_sample_auc(drawn(1500, 0, 0), drawn(1500, 1, 1), np.arange(1500), np.arange(1500))
    assert found == pytest.approx(0.760, abs=0.02)


def test_who_plays_does_not_count_as_different() -> None:
    # Recordings with points of their own, of which one side has some and the other side has others.
    generator = np.random.default_rng(0)
    recordings = np.repeat(np.arange(16), 20)
    points = generator.normal(size=(16, 8))[recordings] + 0.1 * generator.normal(size=(320, 8))
    real, other = recordings % 2 == 0, recordings % 2 == 1
    honest = two_sample_auc(points[real], points[other], recordings[real], recordings[other])
    shuffled = generator.permutation(160)
    leaking = two_sample_auc(points[real][shuffled], points[other][shuffled], np.arange(160), np.arange(160))
    assert honest < 0.65 < 0.75 < leaking


def test_the_area_is_the_share_of_pairs_in_order_and_ties_count_half() -> None:
    low, high = np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0])
    assert area(low, high) == pytest.approx((0.5 * 1 + 1 + 3) / 6)
    assert area(low, low) == 0.5


def test_the_most_telling_statistic_of_each_family_is_named_with_its_shift() -> None:
    real, other = drawn(200, 0, 0), drawn(200, 14, 1) + np.array([0, 2, 0.5])
    found = telling(real, other, STATISTICS)
    assert [str(each.statistic.name) for each in found] == ["noise floor 3-9 kHz", "flux"]
    assert str(found[0]) == "noise floor 3-9 kHz +14 dB"
    assert found[0].area == 1.0
