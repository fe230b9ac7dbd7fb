"""The procedural bottles: seeds, and what each factor does to the picture."""

from __future__ import annotations

import numpy as np
import pytest
from genvae_designs.bottles import FACTORS, SIZE, draw, random_factors

MIDDLE = SIZE // 2


def design(**factors: float) -> np.ndarray:
    """One bottle, all of whose factors are .3 (so that it has no handle) but those given."""
    return draw(np.array([[factors.get(name, 0.3) for name in FACTORS]]))[0]


def test_a_design_is_the_same_whatever_the_count_and_the_start() -> None:
    assert np.array_equal(random_factors(5, seed=3)[2:4], random_factors(2, seed=3, start=2))
    assert not np.array_equal(random_factors(5, seed=3), random_factors(5, seed=4))


def test_pictures_are_grey_values_on_a_white_ground() -> None:
    pictures = draw(random_factors(70, seed=0))  # more than are drawn at a time
    assert pictures.shape == (70, SIZE, SIZE)
    assert pictures.dtype == np.float32
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert np.all(pictures[:, :8] == 1)  # above the tallest
    assert np.all(pictures.min(axis=(1, 2)) < 0.4)


@pytest.mark.parametrize("height", [0.0, 0.5, 1.0])
def test_the_top_of_the_cap_stands_at_the_height(height: float) -> None:
    column = design(height=height)[:, MIDDLE]
    assert np.flatnonzero(column < 0.6)[0] == pytest.approx(120 - (56 + 52 * height), abs=1)


@pytest.mark.parametrize("width", [0.0, 0.5, 1.0])
def test_the_body_is_as_wide_as_said(width: float) -> None:
    picture = design(width=width, taper=1.0, waist=0.0, label=0.0)
    covered = (picture[80:100] < 0.99).sum(axis=1).max()
    assert covered == pytest.approx(2 * (13 + 18 * width), abs=2)


def test_a_handle_appears_from_the_middle_of_its_range_on_the_right_alone() -> None:
    without, almost, with_handle = design(handle=0.0), design(handle=0.5), design(handle=1.0)
    assert np.array_equal(without, almost)
    changed = np.flatnonzero((without != with_handle).any(axis=0))
    assert changed.min() > MIDDLE
    assert changed.max() < SIZE - 1


def test_edges_are_antialiased_so_that_a_small_step_of_the_width_changes_the_area_a_little() -> None:
    areas = [float((1 - design(width=width, label=0.0)).sum()) for width in np.linspace(0.4, 0.44, 9)]
    steps = np.diff(areas)
    assert np.all(steps > 0)
    assert steps.max() < 2 * steps.min()


def test_every_factor_changes_the_picture() -> None:
    before = design()
    for name in FACTORS:
        assert np.abs(before - design(**{name: 0.9})).mean() > 1e-3, name
