"""One worker for everything that the model computes, with a queue that says when it is full."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

CAPACITY = 64
"""Jobs that may wait or run at once; a clip takes a few hundredths of a second."""

_SHARE = 0.1  # of a new job in the running mean of how long jobs take


class Busy(Exception):
    """The queue is full. `retry_after` is when there should be room, in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


class ModelWorker:
    """Runs jobs one after the other on a thread of its own, while the event loop goes on answering.

    A thread is enough: torch lets go of the interpreter while it computes.

    Attributes:
        capacity: how many jobs may wait or run.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="genvae-model")
        self._lock = threading.Lock()
        self._pending = 0
        self._mean = 0.05  # seconds a job

    @property
    def pending(self) -> int:
        """Jobs that wait or run."""
        return self._pending

    async def run(self, job: Callable[[], T]) -> T:
        """What `job` returns, or raises, when its turn has come. One whose caller has gone is not begun.

        Raises:
            Busy: too many are waiting.
        """
        with self._lock:
            if self._pending >= self.capacity:
                raise Busy(max(1, math.ceil(self._pending * self._mean)))
            self._pending += 1
        future = self._pool.submit(self._timed, job)
        future.add_done_callback(lambda _: self._done())
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Drop what waits and end the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _timed(self, job: Callable[[], T]) -> T:
        began = time.perf_counter()
        try:
            return job()
        finally:
            self._mean += _SHARE * (time.perf_counter() - began - self._mean)

    def _done(self) -> None:
        with self._lock:
            self._pending -= 1
