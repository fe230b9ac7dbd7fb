from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from genvae.metrics.distances import frechet_distance, frechet_infinity, kernel_distance

RNG = np.random.default_rng


def points(mean: NDArray[np.float64], deviations: NDArray[np.float64], seed: int, count: int) -> NDArray[np.float64]:
    """Points that have these moments exactly, uncorrelated."""
    drawn = RNG(seed).normal(size=(count, len(mean)))
    centred, _ = np.linalg.qr(drawn - drawn.mean(axis=0))
    return mean + centred * (count - 1) ** 0.5 * deviations


def test_gaussians_have_the_distance_of_their_moments() -> None:
    mean_a, mean_b = np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 5.0])
    spread_a, spread_b = np.array([1.0, 2.0, 0.5]), np.array([3.0, 2.0, 0.0])
    expected = np.square(mean_a - mean_b).sum() + np.square(spread_a - spread_b).sum()
    found = frechet_distance(points(mean_a, spread_a, 0, 20), points(mean_b, spread_b, 1, 30))
    assert found == pytest.approx(expected, abs=1e-9)


def test_fewer_points_than_dimensions_will_do() -> None:
    a, b = RNG(0).normal(size=(5, 20)), RNG(1).normal(size=(30, 20))
    covariances = [np.cov(each, rowvar=False) for each in (a, b)]
    cross = np.sqrt(np.linalg.eigvals(covariances[0] @ covariances[1]).real.clip(0)).sum()
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(covariances[0] + covariances[1]) - 2 * cross
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_the_distance_does_not_depend_on_the_axes() -> None:
    generator = RNG(0)
    a, b = generator.normal(size=(40, 5)), generator.normal(size=(50, 5)) * [1, 2, 3, 4, 5] + 1
    turn, _ = np.linalg.qr(generator.normal(size=(5, 5)))
    assert frechet_distance(a @ turn, b @ turn) == pytest.approx(frechet_distance(a, b), rel=1e-9)


def test_full_covariances_agree_with_the_matrix_square_root() -> None:
    scipy_linalg = pytest.importorskip("scipy.linalg")
    generator = RNG(1)
    a, b = generator.normal(size=(200, 4)) @ generator.normal(size=(4, 4)), generator.normal(size=(200, 4)) + 0.5
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy_linalg.sqrtm(first @ second)
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(first + second - 2 * root.real)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_extrapolation_takes_the_bias_of_small_sets_out() -> None:
    shift = np.zeros(32)
    shift[0] = 2.0  # the true distance is 4
    plain, corrected = [], []
    for seed in range(10):
        generator = RNG(seed)
        a, b = generator.normal(size=(300, 32)), generator.normal(size=(300, 32)) + shift
        plain.append(frechet_distance(a, b))
        corrected.append(frechet_infinity(a, b, RNG(seed)))
    assert np.mean(plain) > 5.0
    assert np.mean(corrected) == pytest.approx(4.0, abs=0.35)


def test_sets_of_one_source_are_at_no_distance() -> None:
    kernels, frechets = [], []
    for seed in range(20):
        generator = RNG(seed)
        a, b = generator.normal(size=(150, 16)), generator.normal(size=(100, 16))
        kernels.append(kernel_distance(a, b))
        frechets.append(frechet_infinity(a, b, generator))
    assert abs(np.mean(kernels)) < 3 * np.std(kernels) / len(kernels) ** 0.5
    assert abs(np.mean(frechets)) < 0.25  # where the plain distance is 3.5


def test_the_kernel_distance_of_shifted_points_is_the_mean_over_all_pairs() -> None:
    a, b = np.array([[0.0], [1.0], [2.0]]), np.array([[3.0], [5.0]])
    within_a = np.mean([(x * y + 1) ** 3 for i, x in enumerate(a[:, 0]) for j, y in enumerate(a[:, 0]) if i != j])
    within_b = (3 * 5 + 1) ** 3
    between = np.mean([(x * y + 1) ** 3 for x in a[:, 0] for y in b[:, 0]])
    assert kernel_distance(a, b) == pytest.approx(within_a + within_b - 2 * between)
