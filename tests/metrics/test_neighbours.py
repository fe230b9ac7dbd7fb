from __future__ import annotations

import numpy as np
import pytest

from genvae.metrics.neighbours import distances, neighbourhood, radii


def test_identical_sets_cover_each_other() -> None:
    points = np.random.default_rng(0).normal(size=(60, 8))
    found = neighbourhood(points, points.copy())
    assert (found.precision, found.recall, found.coverage) == (1.0, 1.0, 1.0)


def test_sets_far_apart_share_nothing() -> None:
    points = np.random.default_rng(0).normal(size=(60, 8))
    found = neighbourhood(points, points + 1000)
    assert (found.precision, found.recall, found.density, found.coverage) == (0, 0, 0, 0)


def test_one_source_has_the_density_and_coverage_that_are_expected() -> None:
    # Naeem et al. 2020, section 3.3: density 1, and coverage 1 - (M - 1)...(M - k) / (M + N - 1)...(M + N - k)
    size, nearest, runs = 200, 5, 12
    each = [
        neighbourhood(g.normal(size=(size, 6)), g.normal(size=(size, 6)), nearest)
        for g in map(np.random.default_rng, range(runs))
    ]
    ratio = np.prod([(size - i) / (2 * size - i) for i in range(1, nearest + 1)])
    assert np.mean([e.coverage for e in each]) == pytest.approx(1 - ratio, abs=0.01)
    assert np.mean([e.density for e in each]) == pytest.approx(1.0, abs=0.05)


def test_a_model_that_knows_one_clip_is_precise_but_covers_little() -> None:
    real = np.random.default_rng(0).normal(size=(100, 4))
    found = neighbourhood(real, np.repeat(real[:1], 100, axis=0))
    assert found.precision == 1.0
    assert found.recall < 0.1
    assert found.coverage < 0.3


def test_a_far_outlier_among_the_real_points_does_not_raise_the_density_much() -> None:
    real = np.concatenate([np.random.default_rng(0).normal(size=(100, 4)), [[30.0, 0, 0, 0]]])
    bad = np.random.default_rng(1).normal(size=(100, 4)) + np.array([15, 0, 0, 0])
    found = neighbourhood(real, bad)
    assert found.precision == 1.0  # all lie in the outlier's ball, which is what density was made for
    assert found.density < 0.25


def test_radii_are_distances_to_the_neighbour_of_that_rank() -> None:
    points = np.array([[0.0], [1.0], [3.0], [7.0]])
    assert radii(points, 1).tolist() == [1, 1, 2, 4]
    assert radii(points, 2).tolist() == [3, 2, 3, 6]
    assert radii(points, 99).tolist() == [7, 6, 4, 7]


def test_distances_are_euclidean() -> None:
    assert distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))[0, 0] == pytest.approx(5.0)
