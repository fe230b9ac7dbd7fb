"""Runs tasks in an executor, and survives a recording that takes its worker process down with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from queue import SimpleQueue

from genvae.clips.shard import Seal
from genvae.clips.work import Task, Unreachable, run_task
from genvae.errors import ClusterError, DiskError, GenvaeError

Outcome = Seal | str
"""What a task gave: the seal of its shard, or why it couldn't be tried."""
_SPAWN = multiprocessing.get_context("spawn")
_ENDING = (signal.SIGINT, signal.SIGTERM)
_NEVER_BEGAN = (
    "No worker process could start. A script that prepares a store is read by each of them, so what it does must stand "
    'below `if __name__ == "__main__":`. Or there is too little memory: set `workers` to 1.'
)
_IN_FLIGHT = 1024
"""Tasks that an executor is given ahead of their outcomes: enough to keep 500 cores busy, and few to hold in memory."""
_KILLED = "its worker process died over it (a crash in a decoder, or too little memory)"


def run_tasks(
    tasks: Sequence[Task], *, executor: Executor | None, workers: int, done: Callable[[Task, Outcome], None]
) -> None:
    """Run every task and call `done` with its outcome as it comes, in any order.

    Args:
        executor: that runs them; None for worker processes of our own.
        workers: how many of those.

    Raises:
        KeyboardInterrupt: at once; what has been sealed stays.
        DiskError: the store can't be written.
        GenvaeError: no worker process can start here.
        ClusterError: the executor has given up tasks that it took.
    """
    if executor is not None:
        for task in _run(executor, tasks, done, _IN_FLIGHT, cancels=True):
            done(task, _KILLED)
        return
    pending, begun = list(tasks), _SPAWN.Event()
    while pending:
        with _processes(min(workers, len(pending)), begun) as pool:
            lost = _run(pool, pending, done, 4 * workers)
        if lost and not begun.is_set():  # then it is no recording's fault
            raise GenvaeError(_NEVER_BEGAN)
        # A pool starts its tasks in order, so the one that broke it is among the first that are not done.
        suspects, pending = lost[:workers], lost[workers:]
        for task in suspects:
            with _processes(1, begun) as pool:
                if _run(pool, [task], done, 1):
                    done(task, _KILLED)


def _run(
    executor: Executor,
    tasks: Sequence[Task],
    done: Callable[[Task, Outcome], None],
    most: int,
    *,
    cancels: bool = False,
) -> list[Task]:
    """Run tasks, at most so many in flight; return those that were lost because the executor broke, in their order.

    When it can't go on it `cancels` what is still waiting. Not where its processes are killed then: in Python 3.11
    a pool that breaks can't bear a future that is cancelled (CPython issue 107219), and says so in a traceback.
    """
    waiting = iter(tasks)
    running: dict[Future[Seal], Task] = {}
    ended: SimpleQueue[Future[Seal]] = SimpleQueue()
    lost: set[str] = set()
    try:
        while True:
            while not lost and len(running) < most and (task := next(waiting, None)) is not None:
                try:
                    with _deaf_children():
                        future = executor.submit(run_task, task)
                except BrokenExecutor:
                    lost.add(task.key)
                else:
                    running[future] = task
                    future.add_done_callback(ended.put)
            if not running:
                break
            future = ended.get()
            task = running.pop(future)
            try:
                outcome: Outcome = future.result()
            except BrokenExecutor:
                lost.add(task.key)
                continue
            except CancelledError as error:  # nobody here has cancelled it
                what = "The executor has given up its work, as a cluster does whose scheduler is lost"
                raise ClusterError(f"{what}. What is done stays; run the same command again to go on.") from error
            except DiskError:
                raise
            except Exception as error:  # one recording's fault, or its plugin's, is told and costs no other recording
                outcome = _message_of(error)
            done(task, outcome)
    except BaseException:
        if cancels:
            for future in running:
                future.cancel()
        raise
    lost.update(task.key for task in waiting)
    return [task for task in tasks if task.key in lost]


def _message_of(error: Exception) -> str:
    """An error in one line, without the file's name, which the report gives anyhow."""
    if isinstance(error, Unreachable):
        return str(error)
    scheduler = sys.modules.get("distributed.scheduler")
    if scheduler is not None and isinstance(error, scheduler.KilledWorker):
        return _KILLED
    return " ".join(f"{type(error).__name__}: {error}".split())


@contextmanager
def _processes(workers: int, begun: Event) -> Iterator[ProcessPoolExecutor]:
    """Worker processes that start empty ("spawn"): they hold what decoding needs, not what this process has loaded.

    The first one that has started sets `begun`.

    When the block raises, Ctrl-C say, they are killed: nobody wants what they still do, and a shard that is torn has
    no seal.
    """
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=_SPAWN, initializer=_begin_worker, initargs=(begun,))
    try:
        yield pool
    except BaseException:
        for worker in set(multiprocessing.active_children()) - others:
            worker.kill()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes that start in the block never hear of Ctrl-C, which a terminal sends to them as well.

    Nor does this process hear of it meanwhile, or of SIGTERM, but at the end of the block: a process that is half
    started is none that could be killed, and would complain of what its parent took with it.
    """
    if not hasattr(signal, "pthread_sigmask"):  # not on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    heard: list[int] = []
    # A mask is one thread's: what another one of this process is sent is handled in the main thread all the same.
    main = threading.current_thread() is threading.main_thread()
    handlers = {each: handler for each in _ENDING if main and (handler := signal.getsignal(each)) is not None}
    try:
        for each in handlers:
            signal.signal(each, lambda number, _: heard.append(number))
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for number in heard:
            signal.raise_signal(number)


def _begin_worker(begun: Event) -> None:
    begun.set()
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    # Decoders write warnings straight to the terminal, through the progress bar; what matters comes as an exception.
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    os.close(quiet)
    parent = multiprocessing.parent_process()
    if parent is not None:
        if not parent.is_alive():  # killed while this worker was starting: its first task must not even begin
            os._exit(1)

        def follow() -> None:
            parent.join()
            os._exit(1)  # the parent was killed: nobody waits for this worker any more

        threading.Thread(target=follow, daemon=True).start()
