"""Runs a function in a process that is forked from this one, with a bound on time, and says how that ended.

What is imported is imported once, before: a process that starts anew takes seconds. This one must have no threads
(OMP_NUM_THREADS=1), as they don't outlast a fork.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ending:
    """How a process ended.

    Attributes:
        code: exit status; minus the number of the signal that ended it; None where it took too long.
        said: on standard error.
        peak: resident bytes that it held at most.
    """

    code: int | None
    said: str
    peak: int

    @property
    def traceback(self) -> bool:
        return "Traceback" in self.said


def run(function: Callable[[], int | None], *, seconds: float = 60.0) -> Ending:
    """Fork, call the function, and wait for its end; what it returns is the exit status."""
    with tempfile.TemporaryFile() as errors:
        child = os.fork()
        if child == 0:
            _in_child(function, errors.fileno())
        ended = _wait(child, seconds)
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace")
    if ended is None:
        return Ending(None, said, 0)
    status, usage = ended
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    return Ending(code, said, usage.ru_maxrss * 1024)


def _in_child(function: Callable[[], int | None], errors: int) -> None:
    status = 1
    try:
        os.dup2(errors, 2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        status = function() or 0
    except SystemExit as stopped:
        status = stopped.code if isinstance(stopped.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _wait(child: int, seconds: float) -> tuple[int, resource.struct_rusage] | None:
    end = time.monotonic() + seconds
    while True:
        pid, status, usage = os.wait4(child, os.WNOHANG)
        if pid:
            return status, usage
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            os.wait4(child, 0)
            return None
        time.sleep(0.002)


def genvae(*words: object) -> int:
    """A command line, in this process; returns its exit status."""
    from genvae.cli import main

    try:
        main([str(word) for word in words])
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else 0 if stopped.code is None else 1
    return 0


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
