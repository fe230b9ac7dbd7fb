from __future__ import annotations

import numpy as np
import pytest

from genvae.metrics.halves import alternating, crossed, folds


@pytest.mark.parametrize("sizes", [[5, 5, 5, 5], [1, 30, 2, 8, 8, 4], [3, 3], [10] * 25])
def test_halves_share_no_recording_and_are_arcs_of_about_half(sizes: list[int]) -> None:
    recordings = np.repeat(np.arange(len(sizes)) + 7, sizes)
    masks = crossed(recordings)
    for mask, complement in zip(masks[::2], masks[1::2], strict=True):
        assert (mask ^ complement).all()
        assert not set(recordings[mask]) & set(recordings[complement])
        assert abs(mask.sum() - len(recordings) / 2) <= max(sizes) / 2
        # Around the circle, one arc begins once and ends once.
        of = np.array([mask[recordings == number][0] for number in np.unique(recordings)])
        assert (of != np.roll(of, 1)).sum() == 2


def test_the_cuts_differ() -> None:
    masks = crossed(np.repeat(np.arange(8), 5))
    assert len({mask.tobytes() for mask in masks}) == 8


def test_a_single_recording_is_cut_in_time() -> None:
    first, second = folds(np.zeros(10, np.int64))
    assert first.tolist() == [True] * 5 + [False] * 5
    assert (first ^ second).all()


def test_alternating_halves_hold_the_same_recordings() -> None:
    recordings = np.repeat([1, 2], 6)
    for mask in alternating(recordings):
        assert set(recordings[mask]) == {1, 2}
        assert mask.sum() == 6
