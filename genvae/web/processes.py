"""Several processes that compute for one server: what they are sent, how one that dies is replaced, and their end."""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genvae.errors import GenvaeError
from genvae.web.process import GIVE_UP, Answer, main
from genvae.web.worker import Abandoned, Check, Lost

if TYPE_CHECKING:
    from genvae.web.engine import Engine

_log = logging.getLogger(__name__)
# A fork of this process would hold locks that its threads have at that moment. So a process of its own loads the
# libraries, once, and is forked: their memory is shared, too.
_START = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_LIBRARIES = ["genvae.web.engine", "genvae.plugin.registry"]
_LOOK = 0.05  # seconds between looks at whether anybody still waits
_PATIENCE = (1.0, 60.0)  # seconds before a process that could not begin is tried again, at first and at most


class _Process:
    """A process and the connection to it."""

    def __init__(self, runs: Mapping[str, tuple[Path, Path]]) -> None:
        context = multiprocessing.get_context(_START)
        self.connection, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=main, args=(theirs, runs), daemon=True)  # type: ignore[attr-defined]
        self.process.start()
        theirs.close()  # so that the connection ends with the process

    def receive(self) -> Answer:
        """The next answer.

        Raises:
            Lost: the process has ended.
        """
        try:
            answer: Answer = pickle.loads(self.connection.recv_bytes())
        except (EOFError, OSError) as error:
            raise Lost from error
        return answer

    def ask(self, call: tuple[Any, ...], check: Check | None) -> Answer:
        """The answer to a call, which is given up when `check` raises.

        Raises:
            Lost: the process has ended.
        """
        try:
            self.connection.send_bytes(pickle.dumps(call))
            while check is not None and not self.connection.poll(_LOOK):
                try:
                    check()
                except Abandoned:
                    self.connection.send_bytes(GIVE_UP)
                    check = None
        except OSError as error:
            raise Lost from error
        return self.receive()

    def kill(self) -> int | None:
        """End it at once, as it holds nothing that could be torn; its status, negative for a signal."""
        self.process.kill()
        self.process.join()
        return self.process.exitcode


class Processes:
    """Processes that compute in place of engines.

    Each has a thread that starts it, waits for its end, and starts another one then.

    Args:
        engines: in place of which they compute; their weights are written to a file that all processes share.
        count: of processes.

    Raises:
        GenvaeError: they can't begin.

    Attributes:
        count: how many there are to be.
        replaced: how many have ended and got a successor.
    """

    def __init__(self, engines: Sequence[Engine], count: int) -> None:
        self.count, self.replaced = count, 0
        self._folder = tempfile.TemporaryDirectory(prefix="genvae-serve-")
        self._changed = threading.Condition()
        self._all: set[_Process] = set()  # that live
        self._ready: set[_Process] = set()
        self._free: deque[_Process] = deque()
        self._closing = threading.Event()
        self._refusal = ""
        try:
            self._runs: dict[str, tuple[Path, Path]] = {}
            for number, engine in enumerate(engines):
                weights = Path(self._folder.name) / f"{number}.safetensors"
                engine.share(weights)
                self._runs[engine.digest] = engine.folder, weights
            multiprocessing.set_forkserver_preload(_LIBRARIES)
            self._keepers = [threading.Thread(target=self._keep, daemon=True) for _ in range(count)]
            for keeper in self._keepers:
                keeper.start()
            with self._changed:
                self._changed.wait_for(lambda: self._refusal or len(self._ready) == count)
            if self._refusal:
                raise GenvaeError(f"A process that computes could not begin: {self._refusal}")
        except BaseException:
            self.close()
            raise
        for engine in engines:
            engine.elsewhere = self.call

    @property
    def ready(self) -> int:
        """How many can compute."""
        return len(self._ready)

    @property
    def pids(self) -> list[int]:
        """The numbers of those that can compute."""
        with self._changed:
            return sorted(each.process.pid or 0 for each in self._ready)

    def call(
        self, digest: str, method: str, args: Sequence[Any], kwargs: Mapping[str, Any], check: Check | None = None
    ) -> Any:
        """What a method of an engine gives; as `Elsewhere` has it.

        Raises:
            Lost: the process has ended meanwhile, or there is none.
            Abandoned: nobody waits any more.
            GenvaeError: as the method.
            RuntimeError: whatever else the method raised, with its traceback.
        """
        process = self._take()
        try:
            outcome, value = process.ask((digest, method, tuple(args), dict(kwargs)), check)
        except Lost:
            self._forget(process)
            raise
        self._give(process)
        match outcome:
            case "value":
                return value
            case "abandoned":
                raise Abandoned
            case "refused":
                raise GenvaeError(value)
            case "failed":
                raise RuntimeError(f"in a process that computes:\n{value}")

    def close(self) -> None:
        """End all, at once; what they are at is lost."""
        with self._changed:
            self._closing.set()
            living = list(self._all)
            self._changed.notify_all()
        for process in living:
            process.kill()
        for keeper in getattr(self, "_keepers", ()):
            if keeper.ident is not None:
                keeper.join()
        self._folder.cleanup()

    def _take(self) -> _Process:
        """One that is free, when there is one.

        Raises:
            Lost: none of them lives.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._free or not self._ready)
            if not self._free:
                raise Lost
            return self._free.popleft()

    def _give(self, process: _Process) -> None:
        with self._changed:
            if process in self._ready:
                self._free.append(process)
                self._changed.notify()

    def _forget(self, process: _Process) -> None:
        with self._changed:
            self._ready.discard(process)
            if process in self._free:
                self._free.remove(process)
            self._changed.notify_all()

    def _keep(self) -> None:
        """Start a process, and another one whenever it has ended."""
        if hasattr(signal, "pthread_sigmask"):  # not on Windows; what this thread starts takes it over
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        pause, longest = _PATIENCE
        while True:
            try:
                with self._changed:
                    if self._closing.is_set():
                        return
                    process = _Process(self._runs)
                    self._all.add(process)
            except (OSError, EOFError):  # what it is forked from has just ended; the next one has another
                self._closing.wait(pause)
                continue
            refusal = self._begin(process)
            if not refusal:
                pause = _PATIENCE[0]
                wait([process.process.sentinel])
            self._forget(process)
            status = process.kill()
            with self._changed:
                self._all.discard(process)
                if self._closing.is_set():
                    return
                self._refusal = refusal
                self.replaced += not refusal
                self._changed.notify_all()
            if refusal:
                if self._closing.wait(pause):
                    return
                _log.warning("A process that computes could not begin: %s", refusal)
                pause = min(2 * pause, longest)
            # Whoever stops a service may send SIGTERM to all of it; 255 is told where that ended what tells.
            elif status not in (-signal.SIGTERM, 255):
                _log.warning("A process that computes has ended (status %s); another is being started.", status)

    def _begin(self, process: _Process) -> str:
        """Wait until a process has its engines; why it has not, or nothing."""
        try:
            outcome, value = process.receive()
        except Lost:
            return "it ended while it was loading the run."
        if outcome != "value":
            return str(value)
        with self._changed:
            self._ready.add(process)
            self._free.append(process)
            self._changed.notify_all()
        return ""
