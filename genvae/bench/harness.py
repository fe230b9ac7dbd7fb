"""Measures the contenders of a case in turns, so that whatever else the machine does hits all of them."""

from __future__ import annotations

import gc
import math
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from genvae.bench.contest import Better, Call, Case, Contender, Measurement, Scale
from genvae.bench.memory import peak

_LEAST = 0.005  # seconds; a call that is shorter is repeated within one measurement
_FEWEST = 3  # rounds, however long they take


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Under what a benchmark runs.

    Attributes:
        threads: that the work may use.
        device: cpu or cuda.
        peers: whether other people's libraries take part.
        seconds: for the rounds of one case, which end earlier after `rounds` of them.
        rounds: at most so many of one case.
        synchronize: waits for the device.
    """

    threads: int = 1
    device: str = "cpu"
    peers: bool = False
    seconds: float = 4.0
    rounds: int = 15
    synchronize: Callable[[], object] | None = None


@dataclass
class _Entry:
    """A contender that is ready.

    Attributes:
        contender: whose turn it is.
        call: does the work once.
        loops: calls in a round.
        seconds: that a call took, one for each round so far.
        memory: MB by which the first round's calls raised the highest resident size; None where that is not known.
    """

    contender: Contender
    call: Call
    loops: int = 1
    seconds: list[float] = field(default_factory=list)
    memory: float | None = None


def measure(case: Case, conditions: Conditions) -> list[Measurement]:
    """Measure a case: every contender is warmed up, scored, and then called once in each round.

    A contender that can't be made, or that fails, gives one measurement with the reason in place of a value. It does
    not disturb the others.
    """
    clock, clock_name = (_cpu_seconds, "cpu") if _one_core(case, conditions) else (time.perf_counter, "wall")
    rows: dict[str, list[Measurement]] = {}
    ready: list[_Entry] = []

    def row(contender: Contender, metric: str, value: float | None, unit: str, better: Better, **more: Any) -> None:
        rows.setdefault(contender.name, []).append(
            Measurement(
                suite=case.suite,
                case=case.name,
                contender=contender.name,
                metric=metric,
                value=value,
                unit=unit,
                threads=conditions.threads,
                device=conditions.device,
                better=better,
                peer=contender.peer,
                **more,
            )
        )

    def missed(contender: Contender, error: BaseException) -> None:
        first = case.scales[0]
        rows.pop(contender.name, None)
        row(contender, first.metric, None, first.unit, first.better, reason=reason(error))

    contenders = [c for c in case.contenders if conditions.peers or not c.peer]
    for contender in contenders:
        try:
            entry = _Entry(contender, contender.make())
            result, seconds = _warmed(entry, clock, conditions)
            scores = dict(case.score(result)) if case.score else {}
        except (Exception, SystemExit) as error:  # a stranger's code must not end the benchmark
            missed(contender, error)
            continue
        if contender.before is None:
            entry.loops = max(1, math.ceil(_LEAST / max(seconds, 1e-7)))
        for metric, score in scores.items():
            row(contender, metric, score.value, score.unit, score.better)
        ready.append(entry)

    began = time.perf_counter()
    for number in range(conditions.rounds):
        if number >= _FEWEST and time.perf_counter() - began > conditions.seconds:
            break
        for entry in _in_turn(ready, number):
            try:
                with peak() if case.clock == "auto" and number == 0 else nullcontext() as risen:
                    entry.seconds.append(_timed(entry, clock, conditions)[1])
                entry.memory = risen() if risen else entry.memory
            except (Exception, SystemExit) as error:
                missed(entry.contender, error)
                ready = [other for other in ready if other is not entry]

    base = next((entry for entry in ready if entry.contender.name == case.baseline), None)
    for entry in ready:
        for scale in (*case.scales, *entry.contender.extra):
            low, middle, high = _quartiles(entry.seconds, scale)
            row(
                entry.contender,
                scale.metric,
                middle,
                scale.unit,
                scale.better,
                low=low,
                high=high,
                rounds=len(entry.seconds),
                clock=clock_name,
            )
        if entry.memory is not None:
            row(entry.contender, "memory", entry.memory, "MB", "lower")
        if base is not None and base is not entry:
            ratios = [theirs / own for theirs, own in zip(base.seconds, entry.seconds, strict=True)]
            row(
                entry.contender,
                "ratio",
                statistics.median(ratios),
                f"x as fast as {case.baseline}",
                "higher",
                rounds=len(ratios),
                clock=clock_name,
            )
    return [measurement for contender in contenders for measurement in rows[contender.name]]


def reason(error: BaseException) -> str:
    """Why a contender could not be measured, in one line."""
    message = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


@contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Let every library compute on so many threads: torch, and those that threadpoolctl knows (BLAS, OpenMP)."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            yield
    finally:
        torch.set_num_threads(before)


def _one_core(case: Case, conditions: Conditions) -> bool:
    return case.clock == "auto" and conditions.threads == 1 and conditions.device == "cpu"


def _cpu_seconds() -> float:
    """Processor time of this process and of those that it has started and that have ended, such as ffmpeg."""
    used = os.times()
    return time.process_time() + used.children_user + used.children_system


def _in_turn(entries: Sequence[_Entry], number: int) -> list[_Entry]:
    """All entries, beginning with another one in each round, so that none always comes after the same neighbour."""
    first = number % len(entries) if entries else 0
    return [*entries[first:], *entries[:first]]


def _warmed(entry: _Entry, clock: Callable[[], float], conditions: Conditions) -> tuple[object, float]:
    """The result of the first call, and the seconds of a second one: the first may compile and fill caches."""
    result, seconds = _timed(entry, clock, conditions)
    if seconds < 1.0:
        _, seconds = _timed(entry, clock, conditions)
    return result, seconds


def _timed(entry: _Entry, clock: Callable[[], float], conditions: Conditions) -> tuple[object, float]:
    """A result of the contender's call, and the seconds of one call."""
    if entry.contender.before is not None:
        entry.contender.before()
    wait = conditions.synchronize or (lambda: None)
    collecting = gc.isenabled()
    gc.disable()  # as timeit does: a collection would hit one contender by chance
    try:
        wait()
        began = clock()
        for _ in range(entry.loops):
            result = entry.call()
        wait()
        return result, (clock() - began) / entry.loops
    finally:
        if collecting:
            gc.enable()


def _quartiles(seconds: Sequence[float], scale: Scale) -> tuple[float, float, float]:
    values = sorted(map(scale.of, seconds))
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high
