from __future__ import annotations

import numpy as np
import pytest

from genvae.metrics.space import Space


def test_units_play_no_part_where_each_coordinate_counts_in_its_deviations() -> None:
    points = np.random.default_rng(0).normal(size=(300, 4)) @ np.random.default_rng(1).normal(size=(4, 4))
    other = points[:50] + 0.3
    scaled = points * [1, 1000, 0.01, 5] + [3, 0, -2, 7]
    plain = Space(points, standardised=True)(other)
    again = Space(scaled, standardised=True)(other * [1, 1000, 0.01, 5] + [3, 0, -2, 7])
    assert np.abs(again) == pytest.approx(np.abs(plain), abs=1e-8)  # an axis may point the other way


@pytest.mark.parametrize("standardised", [True, False])
def test_real_points_have_unit_variance_on_average(standardised: bool) -> None:
    points = np.random.default_rng(0).normal(size=(300, 5)) * 7 + 3
    made = Space(points, standardised=standardised)(points)
    assert made.var(axis=0).mean() == pytest.approx(1, abs=1e-6)
    assert made.mean(axis=0) == pytest.approx(np.zeros(5), abs=1e-9)


def test_the_leading_directions_are_kept() -> None:
    points = np.random.default_rng(0).normal(size=(400, 6)) * [9, 8, 1, 0.1, 0.1, 0.1]
    space = Space(points, standardised=False, components=2)
    moved = space(points[:1] + np.array([0, 0, 5, 0, 0, 0])) - space(points[:1])
    assert space(points).shape == (400, 2)
    assert np.abs(moved).max() < 0.1  # of what is left out nothing is seen
