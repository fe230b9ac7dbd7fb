"""How measuring uses the cores: one thread for each computation, and clip beside clip."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import threadpool_limits

from genvae.threads import one_thread

T = TypeVar("T")


@contextmanager
def one_core() -> Iterator[None]:
    """Compute on one thread, NumPy and scikit-learn too; what is worth it runs clip beside clip instead.

    Matrices are small here, and threads that wait for each other at every one of them are slow on a busy machine.
    """
    with one_thread(), threadpool_limits(1):
        yield


def side_by_side(make: Callable[[int], T], count: int) -> list[T]:
    """What `make` gives for 0 to count - 1, in that order, on every core."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as workers:
        return list(workers.map(make, range(count)))
