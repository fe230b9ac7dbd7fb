"""How far work is: what a verb tells while it works, and how a terminal, a notebook or a log shows it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from genvae.text import printable

T = TypeVar("T")

PATIENCE = 2.0  # seconds of work before a bar is worth its noise
PERIOD = 60.0  # seconds from one line to the next where there is no terminal


@dataclass(frozen=True)
class Progress:
    """How far one stage of the work is.

    Attributes:
        stage: what is being done, such as `decoding`; a new one begins a new bar.
        done: how much of it, in units of the stage's own.
        total: how much there is of it, None where nobody knows.
        note: what is worth knowing beside it, such as the loss.
    """

    stage: str
    done: float
    total: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Message:
    """A line for people.

    Attributes:
        text: one sentence or two.
        warning: whether it must not be missed.
    """

    text: str
    warning: bool = False


Listener = Callable[[Progress | Message], None]
"""What a verb calls while it works; for `progress=`."""


def ignore(event: Progress | Message) -> None:
    """Listen to nothing."""


class Display:
    """A listener that shows what it hears: a bar on a terminal or in a notebook, a line a minute elsewhere.

    Everything goes to standard error. The bar comes after two seconds of a stage, messages at once.

    Args:
        silent: show nothing, as the processes beside the first one do.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self._silent = silent
        self._stage: str | None = None
        self._began = self._last_shown = time.monotonic()
        self._first = 0.0
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __call__(self, event: Progress | Message) -> None:
        """Show an event."""
        if self._silent:
            return
        if isinstance(event, Message):
            self._say(f"Warning: {event.text}" if event.warning else event.text)
            return
        now = time.monotonic()
        if event.stage != self._stage:
            self._close()
            self._stage, self._began, self._first = event.stage, now, event.done
        if _has_bars():
            self._move(event, now)
        elif now - self._last_shown >= PERIOD:
            self._last_shown = now
            self._say(_line(event, now - self._began, self._first))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _move(self, event: Progress, now: float) -> None:
        if self._bar is None:
            if now - self._began < PATIENCE:
                return
            self._bar = _bar()
            self._bar.start()
            self._task = self._bar.add_task(event.stage, note="")
        self._bar.update(
            self._task, completed=event.done, total=event.total, note=printable(event.note), description=event.stage
        )

    def _say(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(printable(text), highlight=False, markup=False, soft_wrap=True)
        else:
            print(printable(text), file=sys.stderr, flush=True)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar = self._stage = None


@contextmanager
def listening(progress: bool | Listener) -> Iterator[Listener]:
    """The listener that a verb's `progress` stands for: True is a `Display`, False is silence."""
    if not isinstance(progress, bool):
        yield progress
        return
    with Display(silent=not progress) as display:
        yield display


def tracked(items: Iterable[T], stage: str, listener: Listener, *, total: int | None = None) -> Iterator[T]:
    """Yield items, telling before the first and behind each how many are done."""
    count = len(items) if total is None and isinstance(items, Sized) else total
    listener(Progress(stage, 0, count))
    for done, item in enumerate(items, 1):
        yield item
        listener(Progress(stage, done, count))


def _has_bars() -> bool:
    return (sys.stderr is not None and sys.stderr.isatty()) or "ipykernel" in sys.modules


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    # Where stdout is a pipe it carries data, and rich must not send that to the terminal.
    return Bar(*columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty())


def _line(event: Progress, seconds: float, first: float = 0.0) -> str:
    """A stage's state on a line of its own, such as `training: 12 %, loss 1.02, 48 s so far, about 350 s left`.

    Args:
        seconds: since the stage began here.
        first: how much of it was done by then, such as before a training was resumed.
    """
    parts = []
    if event.total:
        share = event.done / event.total
        parts.append(f"{100 * share:.0f} %")
    if event.note:
        parts.append(event.note)
    parts.append(f"{seconds:.0f} s so far")
    if event.total and first < event.done < event.total:
        parts.append(f"about {seconds * (event.total - event.done) / (event.done - first):.0f} s left")
    return f"{event.stage}: {', '.join(parts)}"
