"""An evaluation as tables for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from genvae.metrics.comparison import Comparison
from genvae.metrics.evaluation import Evaluation, Row
from genvae.metrics.signal import Signal, mean_signal

_PLACES = {"frechet": 1}
_HEADS = {"frechet": "Fréchet∞", "kernel": "kernel"}


@dataclass(frozen=True)
class Table:
    """A title, the heads of the columns, and the cells."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(evaluation: Evaluation, rows: Sequence[Row]) -> list[Table]:
    """Every table of an evaluation."""
    return [_comparisons(evaluation, rows), _signals(evaluation, rows)]


def as_json(evaluation: Evaluation, rows: Sequence[Row]) -> dict[str, Any]:
    """All numbers, with 95 % intervals as [low, high]."""
    made = {
        "embedder": evaluation.judge.embedder.name,
        "clips": evaluation.judge.clips,
        "seed": evaluation.seed,
        "rows": [
            {
                "name": row.name,
                **{
                    name: {"value": value, "interval": row.estimate.interval(name)}
                    for name, value in asdict(row.estimate.value).items()
                },
                "signal": {genre: asdict(signal) for genre, signal in row.signal.items()},
            }
            for row in rows
        ],
    }
    return made


def _comparisons(evaluation: Evaluation, rows: Sequence[Row]) -> Table:
    names = [field.name for field in fields(Comparison)]
    cells = [[row.name, *(_cell(row, name) for name in names)] for row in rows]
    judge = evaluation.judge
    title = f"Compared with real clips of unseen recordings; {judge.clips} a genre; by {judge.embedder.name}"
    return Table(title, ["clips", *(_HEADS.get(name, name) for name in names)], cells)


def _cell(row: Row, name: str) -> str:
    places = _PLACES.get(name, 2)
    value, error = getattr(row.estimate.value, name), getattr(row.estimate.error, name)
    return f"{value:.{places}f} ±{1.96 * error:.{places}f}"


def _signals(evaluation: Evaluation, rows: Sequence[Row]) -> Table:
    heads = {"level": "level dB", "crest": "crest dB", "centroid": "centroid Hz", "rolloff": "rolloff Hz",
             "flatness": "flatness dB", "flux": "flux dB"}  # fmt: skip
    cells = []
    for row in rows:
        mean = mean_signal(list(row.signal.values()))
        cells.append([row.name, *(f"{getattr(mean, field.name):.{0 if 'Hz' in heads[field.name] else 1}f}"
                                  for field in fields(Signal))])  # fmt: skip
    return Table("Level and spectrum; medians of clips, averaged over genres", ["clips", *heads.values()], cells)
