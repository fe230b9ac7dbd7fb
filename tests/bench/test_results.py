"""Results survive a file, are compared by ratio, and come out as tables."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from genvae.bench.contest import Measurement
from genvae.bench.results import Results, compare, number, tables
from genvae.errors import GenvaeError

SPEED = Measurement(
    suite="stft",
    case="a",
    contender="stft",
    metric="speed",
    value=1000.0,
    unit="x real time",
    threads=1,
    device="cpu",
    better="higher",
    low=990.0,
    high=1010.0,
    rounds=9,
    clock="cpu",
)
COST = replace(SPEED, metric="cost", value=2.0, low=1.9, high=2.1, unit="ms", better="lower")
MISSING = replace(SPEED, contender="nnAudio", value=None, low=None, high=None, rounds=0, reason="ImportError: none")
RATIO = replace(SPEED, contender="torch", metric="ratio", value=0.5, unit="x as fast as stft", low=None, high=None)
MACHINE = {"processor": "a"}


def test_a_file_holds_one_object_a_measurement_and_reads_back(tmp_path: Path) -> None:
    results = Results(MACHINE, [SPEED, COST, MISSING])
    results.write(tmp_path / "a.json")
    rows = json.loads((tmp_path / "a.json").read_text())["measurements"]
    assert len(rows) == 3
    asked = {"suite", "case", "contender", "metric", "value", "unit", "threads", "device"}
    assert all(asked <= row.keys() for row in rows)
    assert rows[2]["value"] is None
    assert rows[2]["reason"] == "ImportError: none"
    assert Results.read(tmp_path / "a.json") == results


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": 9, "machine": {}, "measurements": []}',
        '{"format": 1, "machine": {}, "measurements": [{"suite": "x"}]}',
    ],
)
def test_another_file_is_refused_in_words(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(GenvaeError, match=r"x.json is not what `genvae bench --json` writes"):
        Results.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(GenvaeError, match=r"none.json can't be read"):
        Results.read(tmp_path / "none.json")


def test_slower_is_a_ratio_above_one_whether_more_or_less_is_better() -> None:
    slower_speed = replace(SPEED, value=500.0, low=490.0, high=510.0)
    slower_cost = replace(COST, value=6.0, low=5.9, high=6.1)
    changes = compare(Results({}, [slower_speed, slower_cost]), Results({}, [SPEED, COST]))
    assert [(change.new.metric, change.ratio) for change in changes] == [("cost", 3.0), ("speed", 2.0)]
    assert all(change.apart for change in changes)


@pytest.mark.parametrize(
    ("value", "low", "high", "apart"),
    [
        (950.0, 940.0, 960.0, False),  # five per cent
        (500.0, 400.0, 995.0, False),  # half, but the quartiles overlap
        (500.0, 400.0, 600.0, True),
        (2000.0, 1900.0, 2100.0, True),
    ],
)
def test_what_is_noise_is_no_change(value: float, low: float, high: float, apart: bool) -> None:
    [change] = compare(Results({}, [replace(SPEED, value=value, low=low, high=high)]), Results({}, [SPEED]))
    assert change.apart is apart


def test_only_what_was_measured_alike_is_compared() -> None:
    new = [
        replace(SPEED, threads=2),
        replace(COST, device="cuda"),
        MISSING,
        RATIO,
        replace(SPEED, case="new"),
        replace(SPEED, metric="exact", clock=""),
    ]
    old = [SPEED, COST, MISSING, RATIO, replace(SPEED, metric="exact", clock="")]
    assert compare(Results({}, new), Results({}, old)) == []


def test_a_table_has_a_row_a_contender_the_ratio_last_and_reasons_below() -> None:
    [table] = tables([SPEED, RATIO, replace(RATIO, metric="cost", unit="ms", value=3.0), MISSING])
    assert table.heads == ["contender", "speed, x real time", "cost, ms", "ratio, x as fast as stft"]
    assert table.rows == [
        ["stft", "1,000 (990 to 1,010)", "", ""],
        ["torch", "", "3", "0.5"],
        ["nnAudio", "not measured", "", ""],
    ]
    assert table.notes == ["nnAudio was not measured. ImportError: none"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0, "0"),
        (0.00012, "1.2e-04"),
        (0.0123, "0.0123"),
        (1.2345, "1.23"),
        (-20.34, "-20.3"),
        (12345.6, "12,346"),
    ],
)
def test_numbers_are_told_in_three_digits(value: float, told: str) -> None:
    assert number(value) == told
