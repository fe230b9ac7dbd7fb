"""Recordings in a Parquet file: columns id, genre, sample_rate in Hz, and samples, a list of floats within ±1."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

import genvae
from genvae.errors import AudioError


class Parquet(genvae.Dataset):
    """One Parquet file, a row a recording."""

    def recordings(self) -> Iterator[genvae.Recording]:
        """Yield every row, without its samples.

        Raises:
            GenvaeError: the file is none, or lacks a column.
        """
        try:
            rows = pq.read_table(self.root, columns=["id", "genre", "sample_rate"]).to_pylist()
        except (OSError, pa.ArrowInvalid) as error:
            raise genvae.GenvaeError(f"{self.root} can't be read as Parquet: {error}") from error
        if rows and set(rows[0]) != {"id", "genre", "sample_rate"}:
            raise genvae.GenvaeError(f"{self.root} lacks a column: it needs id, genre, sample_rate and samples.")
        about = self.root.stat()
        for row in sorted(rows, key=lambda each: str(each["id"])):
            what = f"{row} {about.st_size} {about.st_mtime_ns}"
            yield genvae.Recording(
                id=row["id"],
                genre=row["genre"],
                open=partial(Row, self.root, row["id"]),
                fingerprint=hashlib.blake2b(what.encode(), digest_size=8).hexdigest(),
            )


class Row:
    """A recording, in mono."""

    channels = 1

    def __init__(self, path: Path, name: str) -> None:
        try:
            [row] = pq.read_table(path, filters=[("id", "==", name)]).to_pylist()
        except (OSError, ValueError, pa.ArrowInvalid) as error:
            raise AudioError(f"{name} in {path} can't be read: {error}") from error
        self.samples = np.asarray(row["samples"], np.float32)
        self.sample_rate: int = row["sample_rate"]
        self.frames: int | None = len(self.samples)

    def blocks(self, frames: int) -> Iterator[NDArray[np.float32]]:
        """Yield the samples [n, 1]."""
        for start in range(0, len(self.samples), frames):
            yield self.samples[start : start + frames, None]

    def __enter__(self) -> Row:
        return self

    def __exit__(self, *error: object) -> None:
        """There is nothing to close."""
