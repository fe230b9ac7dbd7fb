"""The measurements of one run of the benchmark: as JSON, as tables, and compared with those of an older run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from genvae.bench.contest import Measurement
from genvae.errors import DiskError, GenvaeError
from genvae.files import MISREAD, write_json

_FORMAT = 1
_NOISE = 1.1  # ratios between this and its inverse are not told as a change


@dataclass(frozen=True)
class Results:
    """What a benchmark gave.

    Attributes:
        machine: what it ran on.
        measurements: one for each value.
    """

    machine: Mapping[str, Any]
    measurements: Sequence[Measurement]

    def write(self, path: Path) -> None:
        """Write them as JSON, whole.

        Raises:
            DiskError: the file can't be written.
        """
        try:
            write_json(
                path,
                {
                    "format": _FORMAT,
                    "machine": dict(self.machine),
                    "measurements": [m.to_json() for m in self.measurements],
                },
            )
        except OSError as error:
            raise DiskError(f"{path} can't be written: {error.strerror}.") from error

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` wrote.

        Raises:
            GenvaeError: the file can't be read, or is something else.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["format"] != _FORMAT:
                raise ValueError(f"its format is {content['format']!r}, this genvae reads {_FORMAT}")
            rows = [Measurement(**row) for row in content["measurements"]]
            return cls(dict(content["machine"]), rows)
        except OSError as error:
            raise GenvaeError(f"{path} can't be read: {error.strerror}.") from error
        except MISREAD as error:
            raise GenvaeError(f"{path} is not what `genvae bench --json` writes: {error}") from error


@dataclass(frozen=True)
class Change:
    """How one value compares with an older one.

    Attributes:
        new: of the later benchmark.
        old: of the earlier one.
        ratio: above 1 is worse by that factor, below 1 better: new over old where less is better, old over new
            elsewhere.
    """

    new: Measurement
    old: Measurement
    ratio: float

    @property
    def apart(self) -> bool:
        """Whether the two differ by more than what is noise anyhow, and their quartiles lie apart."""
        if 1 / _NOISE < self.ratio < _NOISE:
            return False
        quartiles = (self.new.low, self.new.high, self.old.low, self.old.high)
        if any(value is None for value in quartiles):
            return True
        new_low, new_high, old_low, old_high = quartiles
        return bool(new_low > old_high or old_low > new_high)  # type: ignore[operator]


def compare(new: Results, old: Results) -> list[Change]:
    """The clock's values that both runs have, the worst change first. Scores and ratios are not speeds, so left out."""
    before = {m.key: m for m in old.measurements}
    changes = []
    for now in new.measurements:
        then = before.get(now.key)
        if then is None or now.metric == "ratio" or not now.clock or not now.value or not then.value:
            continue
        if (now.threads, now.device, now.unit, now.clock) != (then.threads, then.device, then.unit, then.clock):
            continue
        ratio = now.value / then.value if now.better == "lower" else then.value / now.value
        changes.append(Change(now, then, ratio))
    return sorted(changes, key=lambda change: -change.ratio)


@dataclass(frozen=True)
class Table:
    """One case for people.

    Attributes:
        suite: the case's suite.
        case: the case's name.
        heads: of the columns.
        rows: one for each contender.
        notes: on those that could not be measured.
    """

    suite: str
    case: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]


def tables(measurements: Iterable[Measurement]) -> list[Table]:
    """A table for each case, in the order of the measurements."""
    cases: dict[tuple[str, str], dict[str, dict[str, Measurement]]] = {}
    for m in measurements:
        cases.setdefault((m.suite, m.case), {}).setdefault(m.contender, {})[m.metric] = m
    return [_table(suite, case, contenders) for (suite, case), contenders in cases.items()]


def _table(suite: str, case: str, contenders: Mapping[str, Mapping[str, Measurement]]) -> Table:
    columns: dict[str, str] = {}
    for values in contenders.values():
        for metric, m in values.items():
            columns.setdefault(metric, m.unit)
    ordered = sorted(columns, key=lambda metric: metric == "ratio")  # the comparison comes last
    heads = ["contender", *(f"{metric}, {columns[metric]}" for metric in ordered)]
    rows: list[list[str]] = []
    notes: list[str] = []
    for name, values in contenders.items():
        why = next((m.reason for m in values.values() if m.value is None), "")
        cells = [_cell(values.get(metric)) for metric in ordered]
        if why:
            cells[0] = "not measured"
            notes.append(f"{name} was not measured. {why}")
        rows.append([name, *cells])
    return Table(suite, case, heads, rows, notes)


def _cell(m: Measurement | None) -> str:
    if m is None or m.value is None:
        return ""
    if m.low is None or m.high is None or m.rounds < 2:
        return number(m.value)
    return f"{number(m.value)} ({number(m.low)} to {number(m.high)})"


def number(value: float) -> str:
    """Three digits that count, without an exponent as long as that is short."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if value == 0 or abs(value) >= 0.01:
        return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"
    return f"{value:.1e}"
