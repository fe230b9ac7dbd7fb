from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genvae.clips.store import ClipStore
from genvae.metrics.sampling import choose, even_shares


@pytest.mark.parametrize(
    ("available", "count", "expected"),
    [([25, 149, 150], 120, [25, 48, 47]), ([10, 10], 4, [2, 2]), ([1, 2, 3], 99, [1, 2, 3]), ([5, 5, 5], 2, [1, 1, 0])],
)
def test_shares_are_as_equal_as_can_be(available: list[int], count: int, expected: list[int]) -> None:
    shares = even_shares(np.array(available), count)
    assert shares.sum() == min(count, sum(available))
    assert sorted(shares) == sorted(expected)
    assert (shares <= available).all()


def test_chosen_clips_are_different_and_even_over_recordings(tone_store: Path) -> None:
    store = ClipStore.open(tone_store)
    chosen = choose(store, store.select(split="train", genre="low"), 10)
    assert len(set(chosen.tolist())) == 10
    counts = np.unique(store.index["recording"][chosen], return_counts=True)[1]
    assert set(counts.tolist()) == {2}
