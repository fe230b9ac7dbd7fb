"""An evaluation as tables for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from genvae.metrics.committee import Committee
from genvae.metrics.comparison import NAMES, Estimate
from genvae.metrics.continuity import Continuity
from genvae.metrics.evaluation import GENERATED, Assessment, Evaluation
from genvae.metrics.signal import Signal, mean_signal
from genvae.metrics.worst import Oddity

_SIDE = 1.96  # standard errors on either side of a 95 % interval
_MOST_GENRES = 4  # that the table by genre has columns for


@dataclass(frozen=True)
class Table:
    """A table for people.

    Attributes:
        title: what stands above it.
        heads: of the columns.
        rows: the cells.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(evaluation: Evaluation, rows: Sequence[Assessment]) -> list[Table]:
    """Every table of an evaluation."""
    sections = [_comparisons(evaluation, rows)]
    if len(evaluation.genres) <= _MOST_GENRES:
        sections.append(_by_genre(evaluation, rows))
    sections += [_tellings(rows), _novelties(rows), _metrics(evaluation, rows), _model(evaluation), _signals(rows)]
    return [table for table in sections if table.rows]


def as_json(evaluation: Evaluation, rows: Sequence[Assessment]) -> dict[str, Any]:
    """All numbers, with 95 % intervals as [low, high]."""
    committee = _committee(rows)
    return {
        "members": [member.name for member in evaluation.judge.members],
        "agreement": [{"members": list(pair), "spearman": value} for pair, value in committee.agreement.items()],
        "clips": evaluation.judge.clips,
        "seed": evaluation.seed,
        "rows": [
            {
                "name": row.name,
                "rank": rank,
                "members": {name: _estimate(estimate) for name, estimate in row.rating.items()},
                "telling": {
                    genre: [
                        {
                            "statistic": each.statistic.name,
                            "unit": each.statistic.unit,
                            "shift": each.shift,
                            "auc": each.area,
                        }
                        for each in own
                    ]
                    for genre, own in row.telling.items()
                },
                "metrics": {name: row.metrics[name] for name in evaluation.metrics.used},
                "novelty": asdict(row.novelty) if row.novelty else None,
                "signal": {genre: asdict(signal) for genre, signal in row.signal.items()},
            }
            for row, rank in zip(rows, committee.ranks.tolist(), strict=True)
        ],
        "reconstruction": {
            name: {"value": value, "interval": [value - _SIDE * error, value + _SIDE * error]}
            for name, (value, error) in asdict(evaluation.reconstructions).items()
        },
        "active_units": evaluation.active_units[0],
        "latent_dim": evaluation.active_units[1],
    }


def continuity_table(seconds: float, rows: Mapping[str, Mapping[str, Continuity]]) -> Table:
    """How sounds of so many seconds hold together, by row and genre."""
    heads = {
        "level": "level varies by dB",
        "drift": "drift dB",
        "beat": "beat",
        "beat_held": "beat held",
        "key": "key held",
        "seams": "seams dB",
    }
    cells = []
    for name, genres in rows.items():
        for genre, own in genres.items():
            cells.append([name, genre, *(f"{getattr(own, field):.2f}" for field in heads)])
    return Table(f"Sounds of {seconds:g} seconds; medians", ["sounds", "genre", *heads.values()], cells)


def continuity_json(seconds: float, rows: Mapping[str, Mapping[str, Continuity]]) -> dict[str, Any]:
    """The same, as plain values."""
    values = {name: {genre: asdict(own) for genre, own in genres.items()} for name, genres in rows.items()}
    return {"seconds": seconds, "rows": values}


def worst_table(oddities: Sequence[tuple[Path, Oddity]]) -> Table:
    """Files of clips that are far from real ones, and why."""
    title = "Farthest from real clips, and in what they differ from those that they stand for"
    return Table(title, ["file", "why"], [[str(path), str(oddity)] for path, oddity in oddities])


def _estimate(estimate: Estimate) -> dict[str, Any]:
    """The numbers of a member: means over genres with intervals, and those of each genre."""
    means = {name: {"value": getattr(estimate.value, name), "interval": estimate.interval(name)} for name in NAMES}
    return {**means, "genres": {genre: asdict(own) for genre, own in estimate.genres.items()}}


def _comparisons(evaluation: Evaluation, rows: Sequence[Assessment]) -> Table:
    members = [member.name for member in evaluation.judge.members]
    committee = _committee(rows)
    cells = []
    for row, rank in zip(rows, committee.ranks, strict=True):
        first, last = row.rating[members[0]], row.rating[members[-1]]
        cells.append(
            [
                row.name,
                *(_cell(row.rating[name], "frechet", 1) for name in members),
                _cell(first, "auc", 2),
                *(_cell(last, name, 2) for name in ("accuracy", "density", "coverage")),
                f"{rank:.1f}",
            ]
        )
    judge = evaluation.judge
    agreed = "; ".join(
        f"{_short(a)} and {_short(b)} agree by {value:.2f}" for (a, b), value in committee.agreement.items()
    )
    title = f"Compared with real clips of other, unseen recordings; {judge.clips} a genre; by {', '.join(members)}"
    if agreed:
        title += f"\nRank correlation of the rows: {agreed}"
    heads = [
        "clips",
        *(f"{_short(name)} distance" for name in members),
        "told apart",
        "accuracy",
        "density",
        "coverage",
        "rank",
    ]
    return Table(title, heads, cells)


def _committee(rows: Sequence[Assessment]) -> Committee:
    """The first and the last member together, so that ranks don't depend on what else is installed."""
    names = list(rows[0].rating)
    return Committee.of([{name: row.rating[name] for name in dict.fromkeys((names[0], names[-1]))} for row in rows])


def _metrics(evaluation: Evaluation, rows: Sequence[Assessment]) -> Table:
    metrics = evaluation.metrics.used
    if not metrics:
        return Table("", [], [])
    heads = [f"{name}{f' {metric.unit}' if metric.unit else ''}, {metric.better}" for name, metric in metrics.items()]
    cells = [[row.name, *(f"{row.metrics[name]:.4g}" for name in metrics)] for row in rows]
    title = "Metrics that are installed; `lower` or `higher` is better, or what is like real clips; means over genres"
    return Table(title, ["clips", *heads], cells)


def _by_genre(evaluation: Evaluation, rows: Sequence[Assessment]) -> Table:
    columns = [(member.name, genre) for member in evaluation.judge.members for genre in evaluation.genres]
    cells = [[row.name, *(f"{row.rating[name].genres[genre].frechet:.1f}" for name, genre in columns)] for row in rows]
    return Table("Distance by genre", ["clips", *(f"{_short(name)}, {genre}" for name, genre in columns)], cells)


def _tellings(rows: Sequence[Assessment]) -> Table:
    cells = [
        [row.name, genre, ", ".join(f"{each} ({each.area:.2f})" for each in own)]
        for row in rows
        if row.name.startswith(GENERATED)
        for genre, own in row.telling.items()
    ]
    title = "What tells them best from real clips (and in what share of pairs it is higher than in a real one)"
    return Table(title, ["clips", "genre", "statistics"], cells)


def _cell(estimate: Estimate, name: str, places: int) -> str:
    value, error = getattr(estimate.value, name), getattr(estimate.error, name)
    return f"{value:.{places}f} ±{_SIDE * error:.{places}f}"


def _short(member: str) -> str:
    """A member's name without its version."""
    return member.split(" ")[0].removeprefix("genvae-")


def _novelties(rows: Sequence[Assessment]) -> Table:
    cells = [
        [
            row.name,
            f"{row.novelty.distance:.2f}",
            f"{row.novelty.nearer:.2f}",
            f"{row.novelty.match:.2f}",
            f"{row.novelty.matched:.2f}",
            f"{row.novelty.best:.2f}",
        ]
        for row in rows
        if row.novelty
    ]
    heads = ["clips", "distance", "share too near", "match", "share matching too well", "best match"]
    return Table("Nearest training clip, by embedding and by spectrogram at any offset", heads, cells)


def _model(evaluation: Evaluation) -> Table:
    active, dimensions = evaluation.active_units
    reconstructions = evaluation.reconstructions
    cells = [
        [
            "log-spectral distance (LSD)",
            f"{reconstructions.log_spectral[0]:.1f} ±{_SIDE * reconstructions.log_spectral[1]:.1f} dB",
        ],
        [
            "multi-resolution STFT",
            f"{reconstructions.multi_resolution[0]:.2f} ±{_SIDE * reconstructions.multi_resolution[1]:.2f}",
        ],
        ["active latent units", f"{active} of {dimensions}"],
    ]
    return Table("Reconstruction of unseen clips", ["measure", "value"], cells)


def _signals(rows: Sequence[Assessment]) -> Table:
    heads = {
        "level": "level dB",
        "crest": "crest dB",
        "centroid": "centroid Hz",
        "rolloff": "rolloff Hz",
        "flatness": "flatness dB",
        "flux": "flux dB",
    }
    cells = []
    for row in rows:
        mean = mean_signal(list(row.signal.values()))
        places = {field.name: 0 if "Hz" in heads[field.name] else 1 for field in fields(Signal)}
        cells.append([row.name, *(f"{getattr(mean, name):.{digits}f}" for name, digits in places.items())])
    return Table("Level and spectrum; medians of clips, averaged over genres", ["clips", *heads.values()], cells)
