"""Shares work on small pieces out among as many threads as torch would use for one operation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def over_threads(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """`work` on each item, each in one thread; the results in the order of the items."""
    threads = torch.get_num_threads()
    if threads == 1 or len(items) == 1:
        return [work(item) for item in items]
    torch.set_num_threads(1)  # an operation on a piece is too small to be shared; its threads would get in the way
    try:
        with ThreadPoolExecutor(min(threads, len(items))) as pool:
            return list(pool.map(work, items))
    finally:
        torch.set_num_threads(threads)
