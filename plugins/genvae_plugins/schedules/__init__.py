"""Declares how the learning rate may change over a training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import genvae


@dataclass(frozen=True, kw_only=True)
class TrapezoidOptions:
    """Options of `trapezoid`."""

    decay: Annotated[float, genvae.Option("the part of the budget in which it falls to zero", above=0, most=1)] = 0.2


@genvae.hookimpl
def genvae_schedules() -> Iterator[genvae.SchedulePlugin]:
    """Declare the schedules that come with genvae."""
    yield genvae.SchedulePlugin(
        name="cosine",
        summary="Half a cosine, from the whole learning rate to nothing.",
        factory="genvae_plugins.schedules.shapes:Cosine",
    )
    yield genvae.SchedulePlugin(
        name="trapezoid",
        summary="Constant, but for a last part in which it falls to nothing (warm-up, stable, decay).",
        factory="genvae_plugins.schedules.shapes:Trapezoid",
        options=TrapezoidOptions,
    )
    yield genvae.SchedulePlugin(
        name="constant",
        summary="The whole learning rate to the end.",
        factory="genvae_plugins.schedules.shapes:Constant",
    )
