"""Votes of the listening test, in memory and, where that is wished for, in a CSV file with the seeds."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from genvae.errors import GenvaeError

COLUMNS = ("time", "question", "genre", "sources", "numbers", "answer", "choices")
BETWEEN = "; "
"""What stands between the names of sources, and so in none of them."""
_MOST = 100_000  # votes; a server that anybody reaches must not fill a disk


@dataclass(frozen=True)
class Vote:
    """An answer.

    Attributes:
        question: `real` or `genre`.
        genre: of the sounds.
        sources: where each sound comes from.
        numbers: of the sounds: a seed, or a clip's number in the store.
        answer: the source that was taken for real, or the genre that was named.
        choices: how many answers there were to choose from.
    """

    question: str
    genre: str
    sources: tuple[str, ...]
    numbers: tuple[int, ...]
    answer: str
    choices: int


class Votes:
    """All votes so far.

    Args:
        path: the file that keeps them, or None.

    Raises:
        GenvaeError: the file can't be read, or is none of votes.

    Attributes:
        all: the votes, oldest first.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self.all: list[Vote] = []
        if path is not None and path.exists():
            self.all.extend(_read(path))

    @property
    def kept(self) -> bool:
        """Whether a file keeps them."""
        return self._path is not None

    def add(self, vote: Vote) -> None:
        """Keep one more, on the disk before it counts.

        Raises:
            GenvaeError: it can't be kept.
        """
        if len(self.all) >= _MOST:
            raise GenvaeError(f"There are {_MOST:,} votes already, which is all that is kept here.")
        if self._path is not None:
            try:
                _append(self._path, vote)
            except OSError as error:
                raise GenvaeError(f"The vote can't be kept in {self._path}: {error.strerror}.") from error
        self.all.append(vote)


def _append(path: Path, vote: Vote) -> None:
    line = io.StringIO()
    write = csv.writer(line, lineterminator="\n")
    with path.open("a", encoding="utf-8", newline="") as file:
        if file.tell() == 0:
            write.writerow(COLUMNS)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        joined = BETWEEN.join(vote.sources), BETWEEN.join(map(str, vote.numbers))
        write.writerow([now, vote.question, vote.genre, *joined, vote.answer, vote.choices])
        file.write(line.getvalue())  # in one piece, so that no vote is cut in two
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> Iterator[Vote]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise GenvaeError(f"The votes in {path} can't be read: {error}.") from error
    if rows and tuple(rows[0]) != COLUMNS:
        raise GenvaeError(f"{path} holds no votes: its first line is not {','.join(COLUMNS)}. Name another file.")
    for number, row in enumerate(rows[1:], 2):
        try:
            _, question, genre, sources, numbers, answer, choices = row
            if question not in ("real", "genre"):
                raise ValueError("its question is neither real nor genre")
            parts = tuple(sources.split(BETWEEN))
            yield Vote(question, genre, parts, tuple(map(int, numbers.split(BETWEEN))), answer, max(1, int(choices)))
        except ValueError as error:
            raise GenvaeError(f"Line {number} of {path} is no vote: {error}. Mend it, or name another file.") from error
