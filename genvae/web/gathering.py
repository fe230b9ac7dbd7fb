"""Clips that several clients wait for at once, made side by side by whichever of their jobs has its turn first."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Generic, TypeVar

from genvae.web.worker import Check

D = TypeVar("D")  # what is asked for
M = TypeVar("M")  # what is made of it

Make = Callable[[Sequence[D]], Sequence[M]]


class _Wish(Generic[D, M]):
    """What one client waits for.

    Attributes:
        asked: what for.
        made: by the job that has taken it along; None where it has to be made alone.
        taken: whether a job is at it.
    """

    def __init__(self, asked: D) -> None:
        self.asked, self.taken = asked, False
        self.made: Future[M | None] = Future()


class Gathering(Generic[D, M]):
    """Groups what waits and can be made side by side.

    Whether a wish is made in a group or alone must not change what comes of it.

    Args:
        most: in a group.
        workers: how many jobs run at once: each takes its share of what waits, so that none is idle.
    """

    def __init__(self, most: int, workers: Callable[[], int]) -> None:
        self._most, self._workers = most, workers
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, list[_Wish[D, M]]] = {}

    @contextmanager
    def wish(self, key: Hashable, asked: D, make: Make[D, M]) -> Iterator[Callable[[Check], M]]:
        """Within, somebody waits for something; gives the job that makes it, or finds it made.

        Args:
            key: what can be made side by side has the same.
            asked: what is waited for.
            make: makes a group, in its order. What it raises for a group is not told: each is then tried alone.
        """
        wish: _Wish[D, M] = _Wish(asked)
        with self._lock:
            self._waiting.setdefault(key, []).append(wish)
        try:
            yield lambda _: self._answer(key, wish, make)
        finally:
            with self._lock:
                self._remove(key, wish)

    def _answer(self, key: Hashable, wish: _Wish[D, M], make: Make[D, M]) -> M:
        others = self._take(key, wish)
        made = wish.made.result() if others is None else self._together(wish, others, make)
        return make([wish.asked])[0] if made is None else made

    def _take(self, key: Hashable, wish: _Wish[D, M]) -> list[_Wish[D, M]] | None:
        """Those that are made together with a wish; None where another job is at it or has made it."""
        with self._lock:
            if wish.taken:
                return None
            waiting = self._waiting.get(key, [])
            share = min(self._most, math.ceil(len(waiting) / max(1, self._workers())))
            others = [each for each in waiting if each is not wish][: share - 1]
            for each in (wish, *others):
                each.taken = True
                self._remove(key, each)
            return others

    def _together(self, wish: _Wish[D, M], others: Sequence[_Wish[D, M]], make: Make[D, M]) -> M | None:
        """What comes of a wish, while the others get theirs; None where making all of them failed."""
        if not others:
            return make([wish.asked])[0]
        own: M | None = None
        made: Sequence[M | None] = [None] * len(others)
        try:
            own, *made = make([wish.asked, *(each.asked for each in others)])
        except Exception:  # perhaps for one of them alone, so each job tries its own and tells what it meets
            own = None
        finally:
            for each, one in zip(others, made, strict=True):
                each.made.set_result(one)
        return own

    def _remove(self, key: Hashable, wish: _Wish[D, M]) -> None:
        waiting = self._waiting.get(key, [])
        if wish in waiting:
            waiting.remove(wish)
        if not waiting:
            self._waiting.pop(key, None)
