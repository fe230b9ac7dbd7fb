"""One queue for everything that the model computes, that says when it is full; a thread, or several processes."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from genvae.web.processes import Processes

T = TypeVar("T")

CAPACITY = 64
"""Jobs that may wait or run at once; a clip takes a few hundredths of a second."""

_PAUSE = 0.05  # seconds between small jobs that nobody waits for
_SHARE = 0.1  # of a new job in the running mean of how long jobs take


class Busy(Exception):
    """The queue is full.

    Attributes:
        retry_after: when there should be room, in whole seconds.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"retry after {retry_after} s")
        self.retry_after = retry_after


class Abandoned(Exception):
    """Whoever asked has gone."""


class Lost(Exception):
    """The process that was to compute has ended."""


class Stopping(Exception):
    """The server is being stopped."""


Check = Callable[..., None]
"""Takes anything and does nothing, as long as the work is wanted; afterwards it raises Abandoned."""


class ModelWorker:
    """Runs jobs one after the other on a thread of its own, while the event loop goes on answering.

    A thread is enough: torch lets go of the interpreter while it computes. Where processes compute, there are as many
    threads, each of which waits for one.

    Args:
        capacity: how many jobs may wait or run.
        processes: that compute; closed with this. None where the jobs compute themselves.

    Attributes:
        capacity: how many jobs may wait or run.
        workers: how many can run at once, when all is well.
    """

    def __init__(self, capacity: int = CAPACITY, processes: Processes | None = None) -> None:
        self.capacity, self._processes = capacity, processes
        self.workers = 1 if processes is None else processes.count
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="genvae-model")
        self._lock = threading.Lock()
        self._stopping = asyncio.Event()
        self._pending = 0
        self._mean = 0.05  # seconds a job

    @property
    def pending(self) -> int:
        """Jobs that wait or run."""
        return self._pending

    @property
    def ready(self) -> int:
        """How many jobs can run at once now."""
        return self.workers if self._processes is None else self._processes.ready

    @property
    def replaced(self) -> int:
        """Processes that have ended and got a successor."""
        return 0 if self._processes is None else self._processes.replaced

    async def run(self, job: Callable[[Check], T], disconnection: Coroutine[Any, Any, None]) -> T:
        """What `job` returns, or raises, when its turn has come.

        Args:
            job: the work. It may call what it is given as often as it likes, to be ended when nobody waits any more.
            disconnection: ends when the caller has gone; then a job that waits is not begun.

        Raises:
            Busy: too many are waiting.
            Abandoned: the caller has gone.
            Lost: the process that was at it has ended.
            Stopping: the server is being stopped.
        """
        with self._lock:
            if self._pending >= self.capacity:
                disconnection.close()
                raise Busy(max(1, math.ceil(self._pending * self._mean / self.workers)))
            self._pending += 1
        unwanted = threading.Event()
        future = self._pool.submit(self._timed, job, unwanted)
        future.add_done_callback(lambda _: self._done())
        outcome = asyncio.wrap_future(future)
        watches: list[asyncio.Future[Any]] = [asyncio.create_task(disconnection), asyncio.create_task(self._stopped())]
        try:
            await asyncio.wait([outcome, *watches], return_when=asyncio.FIRST_COMPLETED)
            if outcome.done():
                return outcome.result()
            raise Stopping if self._stopping.is_set() else Abandoned
        finally:
            unwanted.set()
            for each in (outcome, *watches):
                each.cancel()

    async def idle(self, job: Callable[[], bool]) -> None:
        """Do a small job again and again while nothing else is asked for, until it says that there is no more to do.

        What the job raises ends it, as nobody has asked for it.
        """
        more = True
        while more and not self._stopping.is_set():
            await asyncio.sleep(_PAUSE)
            if self._pending == 0:
                try:
                    more = await asyncio.wrap_future(self._pool.submit(job))
                except Lost:
                    continue
                except Exception:
                    return

    def stop(self) -> None:
        """Let all that wait know that the server is being stopped."""
        self._stopping.set()

    def close(self) -> None:
        """Drop what waits and end the threads and the processes."""
        if self._processes is not None:
            self._processes.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _stopped(self) -> None:
        await self._stopping.wait()

    def _timed(self, job: Callable[[Check], T], unwanted: threading.Event) -> T:
        def check(*_: object) -> None:
            if unwanted.is_set():
                raise Abandoned

        check()
        began = time.perf_counter()
        value = job(check)
        self._mean += _SHARE * (time.perf_counter() - began - self._mean)
        return value

    def _done(self) -> None:
        with self._lock:
            self._pending -= 1
