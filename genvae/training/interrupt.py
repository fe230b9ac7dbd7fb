"""SIGINT and SIGTERM as a wish that the training loop reads between two steps, so that no step is torn."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from genvae.errors import Cure, GenvaeError


class Interrupted(GenvaeError):
    """Training was stopped by a signal, and can go on from its checkpoint.

    Args:
        number: of the signal.
        where: it stood, as words.
        store: to go on with.
        run: to go on with.
        verb: that goes on.

    Attributes:
        signal: the number of the signal.
    """

    def __init__(self, number: int, where: str, store: Path, run: Path, verb: str = "train") -> None:
        super().__init__(f"Stopped {where}.", cure=Cure.of(verb, store=store, run=run, resume=True))
        self.signal = number


class Wish:
    """The signal that has asked the loop to stop, 0 while there was none."""

    signal = 0


@contextmanager
def on_signals() -> Iterator[Wish]:
    """Within the block, the first SIGINT or SIGTERM sets the wish; a second one acts as it always does."""
    wish = Wish()
    handlers: dict[int, Any] = {}

    def note(number: int, frame: FrameType | None) -> None:
        wish.signal = number
        signal.signal(number, handlers[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            handlers[number] = signal.signal(number, note)
        except ValueError:  # not the main thread: whoever called from there handles signals itself
            break
    try:
        yield wish
    finally:
        for caught, handler in handlers.items():
            signal.signal(caught, handler)
