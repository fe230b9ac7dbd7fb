from __future__ import annotations

import numpy as np
import pytest

from genvae.metrics.sinkhorn import transport


def test_with_little_blur_it_is_the_best_assignment() -> None:
    optimize = pytest.importorskip("scipy.optimize")
    generator = np.random.default_rng(0)
    points, others = generator.normal(size=(12, 3)), generator.normal(size=(12, 3)) + 1
    cost = np.square(points[:, None] - others).sum(axis=2)
    rows, columns = optimize.linear_sum_assignment(cost)
    shares = transport(points, others, blur=0.005)
    assert (shares * cost).sum() == pytest.approx(cost[rows, columns].sum(), rel=0.05)


def test_every_clip_is_spent_and_every_real_one_is_served() -> None:
    generator = np.random.default_rng(1)
    shares = transport(generator.normal(size=(30, 4)), generator.normal(size=(20, 4)) + 2)
    assert shares.sum(axis=1) == pytest.approx(np.ones(30))
    assert shares.sum(axis=0) == pytest.approx(np.full(20, 1.5), rel=0.02)


def test_in_one_dimension_the_order_is_kept() -> None:
    shares = transport(np.arange(5.0)[:, None], 10 + np.arange(5.0)[:, None], blur=0.001)
    assert shares.argmax(axis=1).tolist() == [0, 1, 2, 3, 4]
