"""Which clips are farthest from the real ones that they stand for, and in what they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genvae.metrics.embedder import Points, Waves
from genvae.metrics.judge import Judge
from genvae.metrics.neighbours import distances
from genvae.metrics.sinkhorn import transport
from genvae.metrics.space import Space
from genvae.metrics.statistics import SignalStatistics, Statistic, signal_statistics

REASONS = 3
"""How many statistics are named for each clip."""


@dataclass(frozen=True)
class Oddity:
    """A clip that is far from the real ones.

    Attributes:
        genre: of the clip.
        index: its place among the clips of the genre.
        distance: from the real clips that optimal transport gives it, root mean square in the space of the statistics.
        reasons: in what it differs most from them: the statistic, and by how much, in its unit.
    """

    genre: str
    index: int
    distance: float
    reasons: tuple[tuple[Statistic, float], ...]

    def __str__(self) -> str:
        return ", ".join(f"{statistic.name} {statistic.written(shift)}" for statistic, shift in self.reasons)


def worst(judge: Judge, waves: Mapping[str, Waves], count: int) -> list[Oddity]:
    """The clips of each genre, [N, samples] at the judge's rate, that are farthest from the held-out ones, worst first.

    All clips of a genre are matched with all real ones at once, so that one which repeats what others have already
    brought is far from what is left.
    """
    member = next((each for each in judge.members if isinstance(each, SignalStatistics)), signal_statistics())
    training_points = np.concatenate([judge.embed(member, judge.store.waves(own)) for own in judge.modelled.values()])
    space = Space(training_points, standardised=True)
    oddities = []
    for genre, clips in waves.items():
        points = judge.embed(member, clips)
        real = judge.embed(member, judge.store.waves(judge.held_out[genre]))
        oddities += _farthest(genre, points, real, space, member, count)
    return oddities


def _farthest(
    genre: str, points: Points, real: Points, space: Space, member: SignalStatistics, count: int
) -> list[Oddity]:
    shares = transport(space(points), space(real))  # [clips, real clips]
    far = np.sqrt((shares * np.square(distances(space(points), space(real)))).sum(axis=1))
    expected = shares @ real  # of each clip the statistics of those that it stands for
    apart = space.standardised(points) - space.standardised(expected)
    oddities = []
    for index in np.argsort(-far, kind="stable")[:count].tolist():
        order = np.argsort(-np.abs(apart[index]), kind="stable")
        families: dict[str, int] = {}
        for place in order.tolist():
            families.setdefault(member.statistics[place].family, place)
        chosen = list(families.values())[:REASONS]
        reasons = tuple(
            (member.statistics[place], float(points[index, place] - expected[index, place])) for place in chosen
        )
        oddities.append(Oddity(genre, index, float(far[index]), reasons))
    return oddities
