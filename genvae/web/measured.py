"""What a run's folder tells of its training and its evaluation: for the page, and for the listening test."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import Any

from genvae.files import MISREAD
from genvae.run import Run

EVALUATION = "evaluation.json"
"""The file in a run's folder that `genvae evaluate RUN --store STORE --json` is written to."""

_POINTS = 200  # of a curve
_ASIDE = ("kind", "step", "seconds", "clips_per_second", "waiting")
_MOST = 16 << 20  # bytes of a file that is read
_REAL, _MADE = "real, unseen recordings", "generated"  # rows of an evaluation
_SIGN = {"frechet": -1.0, "accuracy": 1.0, "density": 1.0, "coverage": 1.0}  # 1 where more is better

Row = dict[str, Any]


def evaluation(run: Run) -> list[Row]:
    """The rows of a run's evaluation: name, rank, each member's numbers; none where it keeps none, or damaged ones."""
    path = run.path / EVALUATION
    try:
        if path.stat().st_size > _MOST:
            return []
        rows = json.loads(path.read_bytes())["rows"]
        return [
            {
                "name": str(row["name"]),
                "rank": rank,
                "members": {
                    str(member): {
                        name: value
                        for name in _SIGN
                        if name in numbers and math.isfinite(value := float(numbers[name]["value"]))
                    }
                    for member, numbers in row["members"].items()
                },
            }
            for row in rows
            if math.isfinite(rank := float(row["rank"]))
        ]
    except (OSError, *MISREAD):
        return []


def measures(run: Run) -> dict[str, tuple[float, float]]:
    """By metric what real clips and the run's have, turned so that more is better."""
    rows = {row["name"]: row["members"] for row in evaluation(run)}
    if _REAL not in rows or _MADE not in rows:
        return {}
    pairs = {}
    for member, numbers in rows[_REAL].items():
        for name, real in numbers.items():
            value = rows[_MADE].get(member, {}).get(name)
            if value is not None:
                pairs[f"{name} ({member})"] = (_SIGN[name] * real, _SIGN[name] * value)
    return pairs


def curves(run: Run) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """How a training went: by the part of the loss and by `train` or `validation`, (step, value), thinned out."""
    series: defaultdict[str, defaultdict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    try:
        if run.metrics_path.stat().st_size > _MOST:
            return {}
        for line in run.metrics_path.read_text(encoding="ascii").splitlines():
            entry = json.loads(line)
            if entry["kind"] not in ("train", "validation"):
                continue
            for name in entry.keys() - set(_ASIDE):
                value = float(entry[name])
                if math.isfinite(value):
                    series[name][entry["kind"]].append((int(entry["step"]), value))
    except (OSError, *MISREAD):
        return {}
    names = sorted(series, key=lambda name: (name != "loss", name))
    return {name: {kind: _thinned(points) for kind, points in series[name].items()} for name in names}


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    step = -(-len(points) // _POINTS)
    return points[::step] if step > 1 else points
