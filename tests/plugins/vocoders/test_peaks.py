"""Peaks and what belongs to them, against the obvious loops."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genvae_plugins.vocoders import peaks


def uphill(frame: list[float]) -> list[int]:
    """The peak of each bin, by walking."""
    last = len(frame) - 1

    def height(bin: int) -> float:
        return frame[bin] if 0 <= bin <= last else float("-inf")

    found = []
    for bin in range(len(frame)):
        here = bin
        while not (height(here) > height(here - 1) and height(here) >= height(here + 1)):
            falls_from_below = height(here - 1) >= height(here)
            rises_above = height(here + 1) > height(here)
            if falls_from_below and rises_above:
                here += -1 if height(here - 1) >= height(here + 1) else 1
            else:
                here += -1 if falls_from_below else 1
        found.append(here)
    return found


@given(
    st.integers(1, 12).flatmap(
        lambda bins: st.lists(
            st.lists(st.integers(-3, 3), min_size=bins, max_size=bins).map(lambda row: [float(v) for v in row]),
            min_size=1,
            max_size=5,
        )
    )
)
def test_owners_are_found_by_going_uphill(rows: list[list[float]]) -> None:
    expected = torch.tensor([uphill(row) for row in rows])
    assert torch.equal(peaks.owners(torch.tensor(rows)[None])[0], expected)
    assert torch.equal(peaks.owners(torch.tensor(rows)[:, None])[:, 0], expected)  # clips are apart as frames are


def test_phases_follow_their_owners() -> None:
    generator = torch.Generator().manual_seed(0)
    owner = torch.randint(0, 9, (2, 7, 9), generator=generator)
    advance = 5 * torch.randn(2, 7, 9, generator=generator)
    turns = peaks.follow(owner, advance)
    for clip in range(2):
        carried = torch.zeros(9)
        for frame in range(7):
            carried = (carried[owner[clip, frame]] if frame else carried) + advance[clip, frame]
            apart = turns[clip, frame] - carried
            torch.testing.assert_close(apart, apart.round(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("bins", [2, 3, 33])
def test_the_edges_stay_still(bins: int) -> None:
    turns = peaks.with_still_edges(torch.ones(2, 3, bins))
    assert turns[..., [0, -1]].abs().max() == 0
    assert turns.sum() == 6 * (bins - 2)
