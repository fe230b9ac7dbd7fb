"""Contenders take turns, what can't be measured says why, and what is told follows from the seconds alone."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from genvae.bench import harness
from genvae.bench.contest import Call, Case, Contender, Measurement, Scale, Score
from genvae.bench.harness import Conditions, measure, pinned

RATE = Scale("speed", "x real time", 10.0, rate=True)
COST = Scale("cost", "ms", 1e3, rate=False)


class Clock:
    """A clock that only the contenders' calls move, so that no test depends on the machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.calls: list[str] = []
        monkeypatch.setattr(harness, "_cpu_seconds", lambda: self.now)
        monkeypatch.setattr(harness.time, "perf_counter", lambda: self.now)

    def contender(self, name: str, *seconds: float, **more: Any) -> Contender:
        """One whose calls take these seconds, the last of them again and again."""
        left = list(seconds)

        def call() -> str:
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]
            return name

        return Contender(name=name, make=lambda: call, **more)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def case(*contenders: Contender, **more: Any) -> Case:
    return Case(suite="test", name="case", contenders=contenders, scales=more.pop("scales", [RATE]), **more)


def timed(measured: Case, conditions: Conditions) -> list[Measurement]:
    """What is measured, but for the memory, which is the machine's to tell."""
    return [m for m in measure(measured, conditions) if m.metric != "memory"]


def value(rows: list[Measurement], contender: str, metric: str) -> float:
    [found] = [m.value for m in rows if (m.contender, m.metric) == (contender, metric)]
    assert found is not None
    return found


def test_each_round_calls_every_contender_once_beginning_with_another(clock: Clock) -> None:
    timed(case(clock.contender("a", 0.1), clock.contender("b", 0.2), clock.contender("c", 0.3)), Conditions(rounds=3))
    warm_up, rounds = clock.calls[:6], clock.calls[6:]
    assert warm_up == ["a", "a", "b", "b", "c", "c"]
    assert rounds == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]


def test_the_median_and_the_quartiles_of_the_rounds_are_told_without_the_warm_up(clock: Clock) -> None:
    seconds = [9.0, 1.0, 2.0, 3.0, 4.0, 5.0]  # the first is the warm-up
    [row] = timed(case(clock.contender("a", *seconds), scales=[COST]), Conditions(rounds=5, seconds=1e9))
    assert (row.low, row.value, row.high) == (2000.0, 3000.0, 4000.0)
    assert (row.unit, row.better, row.rounds, row.clock, row.threads, row.device) == ("ms", "lower", 5, "cpu", 1, "cpu")


def test_a_rate_is_what_a_call_does_by_its_seconds(clock: Clock) -> None:
    [row] = timed(case(clock.contender("a", 0.5)), Conditions(rounds=3))
    assert (row.value, row.better) == (20.0, "higher")


def test_the_ratio_is_taken_round_by_round(clock: Clock) -> None:
    # A machine that slows down for a while hits both: in every round the second takes twice as long as the first.
    slowing = [1.0, 1.0, 7.0, 1.0]
    fast = clock.contender("fast", 1.0, *slowing)
    slow = clock.contender("slow", 1.0, *(2 * each for each in slowing))
    rows = timed(case(fast, slow, baseline="fast"), Conditions(rounds=4, seconds=1e9))
    assert value(rows, "slow", "ratio") == 0.5
    assert not [m for m in rows if (m.contender, m.metric) == ("fast", "ratio")]


def test_rounds_end_when_the_time_is_spent_but_not_before_the_third(clock: Clock) -> None:
    rows = timed(case(clock.contender("a", 5.0)), Conditions(rounds=50, seconds=1.0))
    assert rows[0].rounds == 3
    rows = timed(case(clock.contender("a", 1.0)), Conditions(rounds=50, seconds=9.5))
    assert rows[0].rounds == 10


def test_a_short_call_is_repeated_within_a_measurement(clock: Clock) -> None:
    [row] = timed(case(clock.contender("a", 0.001), scales=[COST]), Conditions(rounds=3))
    assert row.value == pytest.approx(1.0)
    assert len(clock.calls) == 2 + 3 * 5


def _failing(error: BaseException) -> Callable[[], Call]:
    def make() -> Call:
        raise error

    return make


def test_one_that_can_not_be_made_is_told_with_its_reason_and_disturbs_nobody(clock: Clock) -> None:
    lacking = Contender(name="lacking", make=_failing(ImportError("No module named 'peer'\nat all")))
    rows = timed(case(lacking, clock.contender("a", 1.0)), Conditions(rounds=3))
    assert [(m.contender, m.value, m.reason) for m in rows] == [
        ("lacking", None, "ImportError: No module named 'peer' at all"),
        ("a", 10.0, ""),
    ]


def test_one_that_fails_on_the_way_is_told_and_the_others_go_on(clock: Clock) -> None:
    calls = iter(range(9))

    def call() -> None:
        clock.now += 1.0
        if next(calls) == 3:
            raise RuntimeError("out of memory")

    rows = timed(
        case(Contender(name="falls", make=lambda: call), clock.contender("a", 1.0), baseline="falls"),
        Conditions(rounds=4, seconds=1e9),
    )
    assert [(m.contender, m.reason, m.rounds) for m in rows] == [
        ("falls", "RuntimeError: out of memory", 0),
        ("a", "", 4),
    ]


def test_peers_take_part_only_when_asked_for(clock: Clock) -> None:
    contest = case(clock.contender("own", 1.0), clock.contender("other", 1.0, peer=True))
    assert [m.contender for m in timed(contest, Conditions(rounds=3))] == ["own"]
    rows = timed(contest, Conditions(rounds=3, peers=True))
    assert [(m.contender, m.peer) for m in rows] == [("own", False), ("other", True)]


def test_what_comes_before_a_call_is_outside_the_clock(clock: Clock) -> None:
    def before() -> None:
        clock.now += 100.0

    [row] = timed(case(clock.contender("a", 0.001, before=before), scales=[COST]), Conditions(rounds=3))
    assert row.value == pytest.approx(1.0)


def test_a_result_is_scored_once_and_stands_beside_the_speed(clock: Clock) -> None:
    rows = timed(
        case(clock.contender("a", 1.0), score=lambda result: {"length": Score(len(result), "letters", "higher")}),
        Conditions(rounds=3),
    )
    assert [(m.metric, m.value, m.clock) for m in rows] == [("length", 1, ""), ("speed", 10.0, "cpu")]


@pytest.mark.parametrize(
    ("conditions", "asked", "told"),
    [
        (Conditions(), "auto", "cpu"),
        (Conditions(threads=2), "auto", "wall"),
        (Conditions(device="cuda"), "auto", "wall"),
        (Conditions(), "wall", "wall"),
    ],
)
def test_processor_time_counts_only_where_one_thread_does_the_work(
    clock: Clock, conditions: Conditions, asked: Any, told: str
) -> None:
    [row] = timed(case(clock.contender("a", 1.0), clock=asked), conditions)
    assert row.clock == told


def test_the_clock_stops_only_when_the_device_is_done(clock: Clock) -> None:
    def synchronize() -> None:
        if clock.calls:
            clock.now += 2.0

    [row] = timed(case(clock.contender("a", 1.0), scales=[COST]), Conditions(rounds=3, synchronize=synchronize))
    assert row.value == 3000.0


def test_processor_time_counts_processes_that_were_started() -> None:
    import subprocess
    import sys

    before = harness._cpu_seconds()
    subprocess.run([sys.executable, "-c", "sum(range(3_000_000))"], check=True)
    assert harness._cpu_seconds() - before > 0.01


def test_threads_are_pinned_and_given_back() -> None:
    before = torch.get_num_threads()
    with pinned(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_real_work_is_ranked_as_it_should_be() -> None:
    """The only test with a real clock: a hundred times the work is not the faster contender."""
    rows = timed(
        case(
            Contender(name="little", make=lambda: lambda: sum(range(10_000))),
            Contender(name="much", make=lambda: lambda: sum(range(1_000_000))),
            baseline="little",
        ),
        Conditions(rounds=5),
    )
    assert value(rows, "much", "ratio") < 1
    assert statistics.median([m.rounds for m in rows]) == 5


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the highest resident size")
def test_the_memory_is_what_a_call_holds_at_most_beyond_what_was_held_before() -> None:
    megabytes = 150

    def call() -> int:
        blocks = [np.ones(100_000 // 8) for _ in range(10 * megabytes)]  # too small for the system to get each back
        return len(blocks)

    rows = measure(case(Contender(name="a", make=lambda: call)), Conditions(rounds=2))
    [memory] = [m.value for m in rows if m.metric == "memory"]
    assert memory == pytest.approx(megabytes, rel=0.2)
    assert not [
        m
        for m in measure(case(Contender(name="a", make=lambda: call), clock="wall"), Conditions(rounds=2))
        if m.metric == "memory"
    ]
