"""Checks of schedules: a factor for every part of the budget, the same each time."""

from __future__ import annotations

import math
from typing import Any

from genvae.interfaces.schedule import Schedule
from genvae.testing.check import check
from genvae.testing.failure import expect
from genvae.testing.subject import Subject

PROGRESS = [number / 200 for number in range(203)]
"""Of a budget in minutes, the last step may be a little behind its end."""


@check
def gives_a_factor(subject: Subject) -> None:
    """For every part of the budget, and a little beyond it, it gives a finite number of 0 or more, not always 0."""
    schedule: Schedule = subject.make()
    factors: dict[float, Any] = {progress: schedule.scale(progress) for progress in PROGRESS}
    for progress, scale in factors.items():
        right = isinstance(scale, int | float) and math.isfinite(scale) and scale >= 0
        expect(right, f"scale({progress:g}) to be a number of 0 or more", repr(scale))
    expect(any(factors.values()), "a learning rate above 0 somewhere", "0 everywhere")


@check
def is_the_same_every_time(subject: Subject) -> None:
    """It depends on `progress` alone, so that a training that is resumed goes on as it would have."""
    first: Schedule = subject.make()
    forwards = [first.scale(progress) for progress in PROGRESS]
    other: Schedule = subject.make()
    backwards = [other.scale(progress) for progress in reversed(PROGRESS)]
    expect(forwards == backwards[::-1], "the same factor whatever was asked for before", "others")
