"""What a training tells: metrics.jsonl, and its listener."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Self, TypeVar

from genvae.files import MISREAD, naming, write_whole
from genvae.progress import Listener, Message, Progress, tracked

Record = Mapping[str, float | int | str]
Item = TypeVar("Item")


class TrainingLog:
    """Open while training runs; a process other than the first writes and shows nothing.

    Args:
        path: metrics.jsonl. Lines of steps after `step`, which a killed training left, are dropped.
        step: the step that training starts from.
        silent: for processes other than the first.
        listener: is told how far training is.
    """

    def __init__(self, path: Path, *, step: int, silent: bool, listener: Listener) -> None:
        self._silent, self._listener = silent, listener
        self._stage, self._note = "", ""
        if silent:
            return
        self._path = path
        _drop_after(path, step)
        self._file = path.open("a", encoding="ascii")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._silent:
            self._file.close()

    def record(self, kind: str, step: int, values: Record) -> None:
        """Append one line; `kind` is train, validation or warning."""
        if self._silent:
            return
        with naming(self._path):
            self._file.write(json.dumps({"kind": kind, "step": step, **values}) + "\n")
            self._file.flush()

    def begin(self, stage: str, done: float = 0.0) -> None:
        """Begin a stage of the work, or go on with one of which so much, from 0 to 1, is done."""
        self._stage, self._note = stage, ""
        self.show(done)

    def show(self, done: float, note: str | None = None) -> None:
        """Tell how much of the stage is done, from 0 to 1, and something new beside it unless `note` is None."""
        if note is not None:
            self._note = note
        if not self._silent:
            self._listener(Progress(self._stage, done, 1.0, self._note))

    def track(self, items: Iterable[Item], stage: str, total: int) -> Iterator[Item]:
        """Yield the items of a stage of its own, telling how many are done."""
        self._stage = stage
        return iter(items) if self._silent else tracked(items, stage, self._listener, total=total)

    def say(self, text: str) -> None:
        """A line for people."""
        if not self._silent:
            self._listener(Message(text))

    def warn(self, step: int, text: str) -> None:
        """A warning that can't be missed, also kept in the log."""
        self.record("warning", step, {"message": text})
        if not self._silent:
            self._listener(Message(text, warning=True))


def _drop_after(path: Path, step: int) -> None:
    if not path.exists():
        return
    lines = []
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            if json.loads(line)["step"] <= step:
                lines.append(line)
        except MISREAD:  # the last line of a process that was killed while it wrote
            continue
    write_whole(path, b"".join(lines))
