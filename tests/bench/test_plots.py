"""Plots of a benchmark: drawn of what was measured, and nothing of what was not."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from genvae.bench.contest import Measurement
from genvae.bench.plots import cost, draw, pareto
from genvae.bench.results import Results

COST = Measurement(
    suite="vocoders",
    case="FFT 1024, hop 256, 4 x 1 s",
    contender="pghi-refined",
    metric="cost",
    value=6.0,
    unit="ms per second of audio",
    threads=1,
    device="cpu",
    better="lower",
)
QUALITIES = {"pghi-refined": (6.0, -22.0), "slow and worse": (60.0, -20.0), "raar": (250.0, -37.0)}
QUICK = [
    row
    for name, (milliseconds, decibels) in QUALITIES.items()
    for row in (
        replace(COST, contender=name, value=milliseconds),
        replace(COST, contender=name, metric="exact", value=decibels, unit="dB"),
        replace(COST, contender=name, metric="blurred", value=decibels + 5, unit="dB"),
    )
]
MORE = [
    replace(COST, case=f"FFT 1024, hop 256, {batch} x {seconds} s", value=5.0)
    for batch, seconds in ((1, 1), (16, 1), (1, 10))
]


def test_the_line_joins_those_that_no_other_beats_in_both() -> None:
    for axes in pareto(Results({}, QUICK)).axes:
        [line] = axes.lines
        assert list(line.get_xdata()) == [6.0, 250.0]


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([], []),
        (MORE, []),
        (QUICK, ["vocoders-pareto.png"]),
        (QUICK + MORE, ["vocoders-pareto.png", "vocoders-cost.png"]),
    ],
)
def test_what_was_measured_is_drawn(tmp_path: Path, rows: list[Measurement], names: list[str]) -> None:
    assert [path.name for path in draw(Results({}, rows), tmp_path / "new")] == names
    for name in names:
        with Image.open(tmp_path / "new" / name) as picture:
            assert picture.width > 1000
            assert len(picture.convert("RGB").getcolors(1 << 20) or range(1 << 20)) > 10


def test_cost_is_drawn_by_length_and_by_batch() -> None:
    figure = cost(Results({}, QUICK + MORE))
    assert figure is not None
    by_length, by_batch = figure.axes
    assert [list(line.get_xdata()) for line in by_length.lines] == [[1.0, 10.0]]
    assert [list(line.get_xdata()) for line in by_batch.lines] == [[1, 4, 16]]
    assert all(math.isclose(y, 5.0) for y in by_length.lines[0].get_ydata())
