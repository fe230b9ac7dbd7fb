"""Every logged value as a row of a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import genvae
from genvae.files import write_whole

HEADS = ("step", "kind", "name", "value")


class CsvRows(genvae.Callback):
    """Rows of step, kind, name and value in RUN/metrics.csv, which spreadsheets and pandas read."""

    def on_start(self, training: genvae.Training) -> None:
        """Write the heads, and the rows of an earlier session up to where this one goes on."""
        path, rows = self._path(training), [",".join(HEADS)]
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()[1:]
            rows += [line for line in lines if line.count(",") >= 3 and int(line.split(",")[0]) <= training.step]
        write_whole(path, ("\n".join(rows) + "\n").encode())

    def on_step(self, training: genvae.Training, values: Mapping[str, float]) -> None:
        """Write a row for each value."""
        self._append(training, "train", values)

    def on_validation(self, training: genvae.Training, values: Mapping[str, float]) -> None:
        """Write a row for each value."""
        self._append(training, "validation", values)

    def _append(self, training: genvae.Training, kind: str, values: Mapping[str, float]) -> None:
        with self._path(training).open("a", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerows((training.step, kind, name, value) for name, value in values.items())

    def _path(self, training: genvae.Training) -> Path:
        return training.folder / "metrics.csv"
