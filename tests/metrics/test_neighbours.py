from __future__ import annotations

import numpy as np
import pytest

from genvae.metrics.neighbours import distances, neighbourhood


def test_identical_sets_cover_each_other() -> None:
    points = np.random.default_rng(0).normal(size=(60, 8))
    found = neighbourhood(points, points.copy())
    assert found.coverage == 1.0
    assert found.density == 1.0  # each is in its own ball, and on the edge of the fifth


def test_sets_far_apart_share_nothing() -> None:
    points = np.random.default_rng(0).normal(size=(60, 8))
    found = neighbourhood(points, points + 1000)
    assert (found.density, found.coverage) == (0, 0)


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


def test_a_model_that_knows_one_clip_covers_little() -> None:
    real = np.random.default_rng(0).normal(size=(100, 4))
    found = neighbourhood(real, np.repeat(real[:1], 100, axis=0))
    assert found.coverage < 0.3


def test_a_far_outlier_among_the_real_points_does_not_raise_the_density_much() -> None:
    real = np.concatenate([np.random.default_rng(0).normal(size=(100, 4)), [[30.0, 0, 0, 0]]])
    bad = np.random.default_rng(1).normal(size=(100, 4)) + np.array([15, 0, 0, 0])
    found = neighbourhood(real, bad)
    assert found.density < 0.25


def test_balls_reach_to_the_neighbour_of_that_rank() -> None:
    real = np.array([[0.0], [1.0], [3.0], [7.0]])  # radii to the first neighbour 1, 1, 2, 4
    found = neighbourhood(real, np.array([[-0.5], [4.5]]), nearest=1)
    assert found.coverage == pytest.approx(3 / 4)  # -0.5 is in the first ball, 4.5 in those of 3 and 7
    assert found.density == pytest.approx(3 / 2)


def test_distances_are_euclidean() -> None:
    assert distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))[0, 0] == pytest.approx(5.0)
