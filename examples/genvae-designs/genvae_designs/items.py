"""How a picture travels through genvae, which knows waveforms: row by row, one clip a picture.

A grey value g in 0..1 is the sample 2 g - 1: black is -1 and white is 1, so that a black picture does not count as
silent. A clip of 1000 ms at 16,384 Hz is one picture of 128 x 128.
"""

from __future__ import annotations

from typing import TypeVar

from genvae_designs.bottles import SIZE

RATE = SIZE * SIZE
"""The sample rate that makes a clip of one second one picture."""

Numbers = TypeVar("Numbers")  # a NumPy array or a tensor


def to_samples(grey: Numbers) -> Numbers:
    """Grey values 0..1 -> samples -1..1."""
    return 2 * grey - 1  # type: ignore[operator, no-any-return]


def to_grey(samples: Numbers) -> Numbers:
    """Samples -1..1 -> grey values 0..1."""
    return (samples + 1) / 2  # type: ignore[operator, no-any-return]
