"""An end for what would have none: a check that takes too long is interrupted where it is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

PATIENCE = 600.0
"""Seconds that a check may take; the slowest of genvae's own takes a tenth of it on a busy machine."""


class Endless(BaseException):
    """Raised in the midst of what takes too long; no Exception, so that no plugin takes it for one of its own."""


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """Interrupt the block after so many seconds; only where there are signals, and in the main thread.

    Raises:
        Endless: it took longer.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise Endless

    before = signal.signal(signal.SIGALRM, interrupt)
    left, every = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, every)
        signal.signal(signal.SIGALRM, before)
