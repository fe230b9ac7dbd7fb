"""Ratios to other libraries: kept by the kind of processor, and told when they fall."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from genvae.bench import leads
from genvae.bench.contest import Case, Contender, Scale
from genvae.bench.harness import Conditions
from genvae.bench.leads import Lead
from genvae.bench.sounds import Sounds
from genvae.bench.suites import Context
from genvae.errors import GenvaeError
from genvae.plugin.registry import installed

MACHINE = {"processor": "A", "date": "2026-01-01", "python": "3.11", "versions": {"torch": "2"}}


def lead(name: str, ratio: float) -> Lead:
    return Lead(name=name, ratio=ratio, low=ratio / 2, high=2 * ratio)


def test_several_runs_give_their_median_and_their_ends() -> None:
    assert leads.summed([{"a": 3.0}, {"a": 1.0}, {"a": 2.5}]) == [Lead(name="a", ratio=2.5, low=1.0, high=3.0)]


def test_ratios_are_kept_by_the_kind_of_processor(tmp_path: Path) -> None:
    path = tmp_path / "ratios.json"
    assert leads.read(path) == {}
    leads.keep(path, MACHINE, [lead("a", 4.0)])
    leads.keep(path, {**MACHINE, "processor": "B"}, [lead("a", 2.0)])
    leads.keep(path, MACHINE, [lead("a", 3.0), lead("b", 8.0)])
    assert leads.read(path) == {"A": [lead("a", 3.0), lead("b", 8.0)], "B": [lead("a", 2.0)]}


@pytest.mark.parametrize("content", ["", "[]", '{"format": 9}', '{"format": 1, "processors": {"A": {"ratios": [1]}}}'])
def test_another_file_is_refused_in_words_and_not_written_over(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ratios.json"
    path.write_text(content)
    with pytest.raises(GenvaeError, match="holds no ratios"):
        leads.keep(path, MACHINE, [])
    assert path.read_text() == content


def test_a_fall_of_more_than_a_quarter_below_the_least_is_one_on_the_same_kind_of_processor() -> None:
    floors = leads.floors({"A": [lead("a", 8.0), lead("b", 2.0)], "B": [lead("a", 1.0)]}, "A")
    assert leads.fallen({"a": 3.01, "b": 0.74, "new": 0.1}, floors) == {"b"}
    assert leads.fallen({"a": 2.99, "b": 0.76}, floors) == {"a"}


def test_on_another_processor_half_of_the_least_is_the_floor() -> None:
    assert leads.floors({"A": [lead("a", 8.0)], "B": [lead("a", 4.0), lead("b", 12.0)]}, "C") == {"a": 1.0, "b": 3.0}
    assert leads.floors({}, "C") == {}


def sleeper(name: str, seconds: float, peer: bool = True) -> Contender:
    def make() -> Callable[[], object]:
        if seconds < 0:
            raise ImportError("no such library")
        return lambda: time.sleep(seconds)

    return Contender(name=name, make=make, peer=peer)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Context:
    def cases(_: Context) -> Iterator[Case]:
        for work, slow in (("rest", 0.02), ("sleep", 0.01)):
            yield Case(
                suite="x",
                name=work,
                contenders=[sleeper("ours", 0.0, peer=False), sleeper("theirs", slow)],
                scales=[Scale("time", "s", 1, rate=False)],
                baseline="ours",
                clock="wall",
            )

    monkeypatch.setattr(leads, "cases", cases)
    conditions = Conditions(peers=True, seconds=0.0, rounds=1)
    registry = installed()
    return Context(
        conditions=conditions, registry=registry, sounds=Sounds(None, registry), thorough=False, scratch=tmp_path
    )


def test_what_is_faster_than_others_has_a_ratio_above_one(context: Context) -> None:
    found = leads.run(context)
    assert list(found) == ["rest: theirs", "sleep: theirs"]
    assert all(ratio > 1 for ratio in found.values())


def test_some_can_be_measured_alone(context: Context) -> None:
    assert list(leads.run(context, frozenset({"sleep: theirs"}))) == ["sleep: theirs"]


def test_a_library_that_is_missing_is_named(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    [case, _] = leads.cases(context)
    gone = Case(**{**vars(case), "contenders": [case.contenders[0], sleeper("gone", -1)]})
    monkeypatch.setattr(leads, "cases", lambda _: iter([gone]))
    with pytest.raises(GenvaeError, match=r"rest: gone can't be measured: ImportError: no such library"):
        leads.run(context)
