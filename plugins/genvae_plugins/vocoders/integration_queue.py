"""Phase gradient heap integration's walk over a spectrogram, loudest bins first, compiled to machine code.

Průša, Balazs & Søndergaard, A Noniterative Method for Reconstruction of Phase From STFT Magnitude, 2017, algorithm 1.
The paper takes the loudest of the bins at the border of what it has reached from a heap. Here they wait in a queue for
each small range of loudness, which makes taking and putting a matter of a constant number of steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

_LEVELS = 256
"""Queues between the loudest bin and the tolerance; with 1e-4 each is 0.3 dB wide."""

_SIGNATURE = "void(int32[::1], float32[::1], float32[::1], float32[::1], int64, int64)"


def phases(
    logs: NDArray[np.float32],
    to_next_frame: NDArray[np.float32],
    to_next_bin: NDArray[np.float32],
    random: NDArray[np.float32],
    tolerance: float,
) -> NDArray[np.float32]:
    """Phases in turns [frames, bins] of one clip's natural-log magnitudes [frames, bins].

    to_next_frame, to_next_bin: steps of the phase in turns, [frames - 1, bins] and [frames, bins - 1].
    random: phases in turns of the bins below `tolerance` times the largest magnitude.
    """
    frames, bins = logs.shape
    stride = bins + 1  # one column and two rows of walls around the bins, so that the walk needs no look at the edges
    floor = float(logs.max()) + math.log(tolerance)
    level = np.full((frames + 2, stride), -1, np.int32)
    inside = level[1:-1, :-1]
    np.multiply(
        logs - np.float32(floor), np.float32((_LEVELS - 1) / -math.log(tolerance)), out=inside, casting="unsafe"
    )
    inside[logs < floor] = -1
    turns = np.zeros((frames + 2, stride), np.float32)
    turns[1:-1, :-1] = random
    in_time = np.zeros((frames + 2, stride), np.float32)
    in_time[1:-2, :-1] = to_next_frame
    in_frequency = np.zeros((frames + 2, stride), np.float32)
    in_frequency[1:-1, :-2] = to_next_bin
    _walk(level.ravel(), turns.ravel(), in_time.ravel(), in_frequency.ravel(), stride, _LEVELS)
    return turns[1:-1, :-1]


def _compiled(function: Callable[..., None]) -> Any:
    """The function as machine code, made now or taken from numba's cache.

    Numba keeps the cache in NUMBA_CACHE_DIR, beside this file, or in the user's own cache folder, whichever is the
    first that can be written to; where none can, it compiles for this process alone.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False}
    try:
        return numba.njit(_SIGNATURE, cache=True, **options)(function)
    except (RuntimeError, OSError):  # no folder that it may write to, or no room in it
        return numba.njit(_SIGNATURE, **options)(function)


@_compiled
def _walk(level, turns, in_time, in_frequency, stride, levels):  # type: ignore[no-untyped-def]
    """Set `turns` of all bins whose `level` is not negative, which turns negative as they are reached.

    A queue is a chain through `following` from `first`, and so is each level's list of bins that can be a start.
    """
    first = np.full(levels, -1, np.int32)
    following = np.empty(level.size, np.int32)
    start_first = np.full(levels, -1, np.int32)
    start_following = np.empty(level.size, np.int32)
    for i in range(level.size):
        if level[i] >= 0:
            start_following[i] = start_first[level[i]]
            start_first[level[i]] = i
    for start_level in range(levels - 1, -1, -1):
        start = start_first[start_level]
        while start >= 0:
            if level[start] >= 0:
                level[start] = -1
                turns[start] = 0
                following[start] = -1
                first[start_level] = start
                loudest = start_level
                while loudest >= 0:
                    here = first[loudest]
                    if here < 0:
                        loudest -= 1
                        continue
                    first[loudest] = following[here]
                    for way in range(4):
                        if way == 0:
                            there = here + stride
                            step = in_time[here]
                        elif way == 1:
                            there = here - stride
                            step = -in_time[there]
                        elif way == 2:
                            there = here + 1
                            step = in_frequency[here]
                        else:
                            there = here - 1
                            step = -in_frequency[there]
                        reached = level[there]
                        if reached >= 0:
                            level[there] = -1
                            turns[there] = turns[here] + step
                            following[there] = first[reached]
                            first[reached] = there
                            loudest = max(loudest, reached)
            start = start_following[start]
