"""An evaluation as tables for people and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from genvae.metrics.comparison import Comparison
from genvae.metrics.evaluation import Evaluation, Row
from genvae.metrics.signal import Signal, mean_signal

_PLACES = {"frechet": 1}
_SIDE = 1.96  # standard errors on either side of a 95 % interval
_HEADS = {"frechet": "Fréchet∞", "kernel": "kernel"}


@dataclass(frozen=True)
class Table:
    """A title, the heads of the columns, and the cells."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(evaluation: Evaluation, rows: Sequence[Row]) -> list[Table]:
    """Every table of an evaluation."""
    return [_comparisons(evaluation, rows), _novelties(rows), _model(evaluation), _signals(rows)]


def as_json(evaluation: Evaluation, rows: Sequence[Row]) -> dict[str, Any]:
    """All numbers, with 95 % intervals as [low, high]."""
    return {
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
                "novelty": asdict(row.novelty) if row.novelty else None,
                "signal": {genre: asdict(signal) for genre, signal in row.signal.items()},
            }
            for row in rows
        ],
        "reconstruction": {
            name: {"value": value, "interval": [value - _SIDE * error, value + _SIDE * error]}
            for name, (value, error) in asdict(evaluation.reconstructions).items()
        },
        "active_units": evaluation.active_units[0],
        "latent_dim": evaluation.active_units[1],
    }


def _comparisons(evaluation: Evaluation, rows: Sequence[Row]) -> Table:
    names = [field.name for field in fields(Comparison)]
    cells = [[row.name, *(_cell(row, name) for name in names)] for row in rows]
    judge = evaluation.judge
    title = f"Compared with real clips of unseen recordings; {judge.clips} a genre; by {judge.embedder.name}"
    return Table(title, ["clips", *(_HEADS.get(name, name) for name in names)], cells)


def _cell(row: Row, name: str) -> str:
    places = _PLACES.get(name, 2)
    value, error = getattr(row.estimate.value, name), getattr(row.estimate.error, name)
    return f"{value:.{places}f} ±{_SIDE * error:.{places}f}"


def _novelties(rows: Sequence[Row]) -> Table:
    cells = [
        [row.name, f"{row.novelty.distance:.2f}", f"{row.novelty.nearer:.2f}", f"{row.novelty.match:.2f}",
         f"{row.novelty.matched:.2f}", f"{row.novelty.best:.2f}"]
        for row in rows if row.novelty
    ]  # fmt: skip
    heads = ["clips", "distance", "share too near", "match", "share matching too well", "best match"]
    return Table("Nearest training clip, by embedding and by spectrogram at any offset", heads, cells)


def _model(evaluation: Evaluation) -> Table:
    active, dimensions = evaluation.active_units
    found = evaluation.reconstructions
    cells = [
        ["log-spectral distance", f"{found.log_spectral[0]:.1f} ±{_SIDE * found.log_spectral[1]:.1f} dB"],
        ["multi-resolution STFT", f"{found.multi_resolution[0]:.2f} ±{_SIDE * found.multi_resolution[1]:.2f}"],
        ["active latent units", f"{active} of {dimensions}"],
    ]
    return Table("Reconstruction of unseen clips", ["measure", "value"], cells)


def _signals(rows: Sequence[Row]) -> Table:
    heads = {"level": "level dB", "crest": "crest dB", "centroid": "centroid Hz", "rolloff": "rolloff Hz",
             "flatness": "flatness dB", "flux": "flux dB"}  # fmt: skip
    cells = []
    for row in rows:
        mean = mean_signal(list(row.signal.values()))
        cells.append([row.name, *(f"{getattr(mean, field.name):.{0 if 'Hz' in heads[field.name] else 1}f}"
                                  for field in fields(Signal))])  # fmt: skip
    return Table("Level and spectrum; medians of clips, averaged over genres", ["clips", *heads.values()], cells)
