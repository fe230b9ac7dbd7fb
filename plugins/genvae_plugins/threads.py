"""Shares work on small pieces out among as many threads as torch would use for one operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from genvae.threads import one_thread

Item = TypeVar("Item")
Result = TypeVar("Result")


def over_threads(work: Callable[[Item], Result], items: Sequence[Item], *, shared: bool = True) -> list[Result]:
    """`work` on each item, each in one thread; the results in the order of the items.

    Args:
        work: what is done, mostly without Python's lock.
        items: what it is done to.
        shared: whether an item is work enough for threads to get ahead.
    """
    threads = torch.get_num_threads()
    if threads == 1 or len(items) == 1:
        return [work(item) for item in items]
    # An operation on a piece is too small to be shared; its threads would get in the way.
    with one_thread():
        if not shared:
            return [work(item) for item in items]
        with ThreadPoolExecutor(min(threads, len(items))) as pool:
            return list(pool.map(work, items))
