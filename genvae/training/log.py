"""What a training tells: metrics.jsonl, TensorBoard events where tensorboard is there, and a progress bar."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from genvae.files import write_whole

Record = Mapping[str, float | int | str]
Item = TypeVar("Item")


class TrainingLog:
    """Open while training runs; a process other than the first writes and shows nothing.

    Args:
        path: metrics.jsonl. Lines of steps after `step`, which a killed training left, are dropped.
        step: the step that training starts from.
        silent: for processes other than the first.
    """

    def __init__(self, path: Path, *, step: int, silent: bool) -> None:
        self._silent = silent
        self._console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[shown]}"),
                   TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn(elapsed_when_finished=True))  # fmt: skip
        self._bar = Progress(*columns, console=self._console, disable=silent or not sys.stderr.isatty())
        self._events: Any = None
        if silent:
            return
        _drop_after(path, step)
        self._file = path.open("a", encoding="ascii")
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self._events = SummaryWriter(str(path.parent / "tensorboard"), purge_step=step + 1)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        if not self._silent:
            self._file.close()
        if self._events is not None:
            self._events.close()

    def record(self, kind: str, step: int, values: Record) -> None:
        """Append one line; `kind` is train, validation or warning."""
        if self._silent:
            return
        self._file.write(json.dumps({"kind": kind, "step": step, **values}) + "\n")
        self._file.flush()
        for name, value in values.items():
            if self._events is not None and not isinstance(value, str):
                self._events.add_scalar(f"{kind}/{name}", value, step)

    def begin(self, what: str, total: float = 1.0) -> None:
        """Begin a stage of the work, whose bar ends at `total`."""
        for task in self._bar.task_ids:
            self._bar.remove_task(task)
        self._task = self._bar.add_task(what, total=total, shown="")

    def show(self, completed: float, text: str | None = None) -> None:
        """Move the stage's bar, and say something new beside it unless `text` is None."""
        self._bar.update(self._task, completed=completed)
        if text is not None:
            self._bar.update(self._task, shown=text)

    def track(self, items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
        """Yield the items of a stage of its own, moving its bar."""
        self.begin(what, total)
        for done, item in enumerate(items, 1):
            yield item
            self.show(done)

    def say(self, text: str) -> None:
        """A line for people, above the bar."""
        if not self._silent:
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def warn(self, step: int, text: str) -> None:
        """A warning that can't be missed, also kept in the log."""
        self.record("warning", step, {"message": text})
        if not self._silent:
            self._console.print(f"Warning: {text}", style="bold yellow", highlight=False, markup=False, soft_wrap=True)


def _drop_after(path: Path, step: int) -> None:
    if not path.exists():
        return
    kept = []
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            if json.loads(line)["step"] <= step:
                kept.append(line)
        except (ValueError, KeyError, TypeError):  # the last line of a process that was killed while it wrote
            continue
    write_whole(path, b"".join(kept))
