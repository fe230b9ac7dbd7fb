"""The `manifest` dataset: a CSV or JSON Lines file that names the recordings, or parts of them, and their genres."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

from genvae.errors import AudioError, GenvaeError, nearest
from genvae.interfaces.dataset import Dataset, Recording, SoundStream, Split
from genvae.places import is_remote, place, reaching
from genvae.text import printable
from genvae_plugins.datasets.folder import fingerprint, open_or_advise

COLUMNS = ("path", "genre", "split", "licence", "start", "end")
_SPLITS = get_args(Split)
_LARGEST = 1e30  # number that an attribute can be


class Manifest(Dataset):
    """Recordings that a file lists, one a row.

    Its columns are `path`, relative to the manifest's folder, or absolute; `genre`; and optionally `split`, which is
    `train` or `validation`; `licence`, kept with the recording; `start` and `end` of the part that is meant, in
    seconds. Other columns are attributes of the recording, numbers, words or several words (`dark;fast`, or a list in
    JSON), which a store keeps if it is asked to.
    """

    def recordings(self) -> Iterator[Recording]:
        """Yield a recording for each row, in the rows' order; one with a fault says so when it is opened.

        Raises:
            GenvaeError: the file can't be read, or lacks the columns path and genre.
        """
        lines: dict[str, int] = {}
        for line, row in _rows(self.root):
            try:
                recording = self._recording(row)
            except ValueError as error:
                fault = f"line {line}: {error}"
                recording = _faulty(f"line {line}", fault)
            if recording.id in lines:
                fault = f"line {line} says the same as line {lines[recording.id]}"
                recording = _faulty(f"{recording.id} (line {line})", fault)
            lines[recording.id] = line
            yield recording

    def _recording(self, row: dict[str, Any]) -> Recording:
        values = {name: row[name] for name in COLUMNS if row.get(name) not in (None, "")}
        for name in ("path", "genre"):
            if not isinstance(values.get(name), str):
                raise ValueError(f"there is no {name}")
        split = values.get("split")
        if split is not None and split not in _SPLITS:
            raise ValueError(f"there is no split {split!r}. {nearest(str(split), _SPLITS)}")
        if "\0" in values["path"]:
            raise ValueError("the path has a zero byte")
        path = place(values["path"]) if "://" in values["path"] else self.root.absolute().parent / values["path"]
        start, end = _seconds(values, "start"), _seconds(values, "end")
        if end is not None and end <= (start or 0.0):
            raise ValueError(f"the end, {end:g} s, does not come after the start, {start or 0.0:g} s")
        id = values["path"]
        if start is not None or end is not None:
            # As W3C media fragments are written.
            id += f"#t={start or 0.0:.15g}" + (f",{end:.15g}" if end is not None else "")
        licence = values.get("licence")
        return Recording(
            id=id,
            genre=values["genre"],
            open=partial(open_or_advise, path, "convert it to wav or flac with it", start=start or 0.0, end=end),
            fingerprint=fingerprint(path),
            group=str(path) if is_remote(path) else os.path.realpath(path),  # however its rows write it
            split=split,
            licence=None if licence is None else str(licence),
            attributes=dict(_attributes(row)),
        )


def _attributes(row: dict[str, Any]) -> Iterator[tuple[str, float | str]]:
    """What other columns say, those that hold a number or a word."""
    for name, value in row.items():
        if name and name not in COLUMNS:  # cells beyond the columns have no name
            if isinstance(value, bool):
                yield name, str(value).lower()
            elif isinstance(value, int | float) and abs(value) <= _LARGEST:
                yield name, value
            elif isinstance(value, str) and value.strip():
                yield name, value.strip()
            elif isinstance(value, list) and value and all(isinstance(each, str) for each in value):
                yield name, ";".join(value)


def _rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The manifest's rows with the numbers of their lines."""
    shown = printable(str(file))
    try:
        # utf-8-sig, because spreadsheets write the mark; surrogateescape, because paths need not be UTF-8.
        with reaching(file):
            text = file.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise GenvaeError(f"The manifest {shown} can't be read: {error.strerror}.") from error
    if file.suffix.lower() in (".jsonl", ".ndjson"):
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield number, _json_row(line)
        return
    if file.suffix.lower() != ".csv":
        raise GenvaeError(f"The manifest {shown} must end in .csv or .jsonl, which says how it is written.")
    rows = csv.DictReader(text.splitlines(keepends=True), skipinitialspace=True)
    missing = [name for name in ("path", "genre") if name not in (rows.fieldnames or ())]
    if missing:
        raise GenvaeError(
            f"The manifest {shown} has no column {missing[0]!r}; its first line must name path and genre."
        )
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise GenvaeError(f"The manifest {shown} is no CSV at line {rows.line_num}: {error}.") from error


def _json_row(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    return row if isinstance(row, dict) else {}


def _seconds(row: dict[str, Any], name: str) -> float | None:
    if name not in row:
        return None
    try:
        value = float(row[name])
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"the {name} is {row[name]!r}, expected seconds")
    return value


def _faulty(id: str, fault: str) -> Recording:
    return Recording(id=id, genre="", open=partial(_refuse, fault), fingerprint=fault)


def _refuse(fault: str) -> SoundStream:
    raise AudioError(fault)
