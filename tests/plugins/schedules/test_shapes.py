"""The learning rate over a training, against the shapes that the papers draw."""

from __future__ import annotations

import math
from typing import Any

import pytest

import genvae
from genvae.plugin.registry import installed


def schedule(name: str, **values: Any) -> genvae.Schedule:
    made: genvae.Schedule = installed().make("schedule", f"genvae:{name}", values)
    return made


def test_the_cosine_ends_at_nothing() -> None:
    scale = schedule("cosine").scale
    for progress in (0.0, 0.25, 0.5, 1.0):
        assert scale(progress) == pytest.approx((1 + math.cos(math.pi * progress)) / 2)
    assert scale(1.001) == pytest.approx(0.0)


def test_the_constant_stays() -> None:
    assert {schedule("constant").scale(step / 10) for step in range(11)} == {1.0}


def test_the_trapezoid_is_constant_until_its_last_part_and_ends_at_nothing() -> None:
    scale = schedule("trapezoid").scale
    assert scale(0.0) == scale(0.79) == 1.0
    assert scale(0.9) == pytest.approx(0.5)
    assert scale(1.0) == scale(1.01) == 0.0
    assert schedule("trapezoid", decay=0.5).scale(0.75) == pytest.approx(0.5)
