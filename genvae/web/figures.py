"""The lesson's pictures as SVG, drawn from numbers; the page's modules redraw their paths when one moves a slider."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDTH, HEIGHT = 600, 160
_EDGE = 4  # units that stay free above and below
_LEVELS = 8  # of grey in a spectrogram
_LOWEST = 40.0  # Hz
_ROWS = 56  # of a spectrogram


def figure(name: str, label: str, paths: Iterable[tuple[str, str]], *, height: int = HEIGHT) -> str:
    """An SVG picture of paths, each by its class and its data; `label` says in words what is seen."""
    drawn = "".join(f'<path class="{kind}" d="{data}"/>' for kind, data in paths)
    named = f'data-figure="{name}" role="img" aria-label="{escape(label)}"'
    return f'<svg class="figure" viewBox="0 0 {WIDTH} {height}" {named}>{drawn}</svg>'


def line(values: ArrayLike, low: float, high: float, *, height: int = HEIGHT) -> str:
    """Values at equal distances, as a line over the whole width."""
    across = np.linspace(0, WIDTH, len(np.asarray(values)))
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in zip(across, _down(values, low, high, height), strict=True))


def dots(x: ArrayLike, y: ArrayLike, across: tuple[float, float], up: tuple[float, float], height: int = HEIGHT) -> str:
    """Points as strokes of no length, which round ends make dots."""
    left = (np.asarray(x, float) - across[0]) / (across[1] - across[0]) * WIDTH
    return "".join(f"M{a:.1f} {b:.1f}h0" for a, b in zip(left, _down(y, up[0], up[1], height), strict=True))


def bars(values: ArrayLike, low: float, high: float, *, height: int = HEIGHT) -> str:
    """A bar from zero for each value."""
    step = WIDTH / len(np.asarray(values))
    zero = _down([0.0], low, high, height)[0]
    tops = _down(values, low, high, height)
    return "".join(f"M{(i + 0.5) * step:.1f} {zero:.1f}V{y:.1f}" for i, y in enumerate(tops))


def levels(magnitudes: NDArray[np.float32], rate: int, *, range_db: float = 80.0, height: int = 220) -> Sequence[str]:
    """A spectrogram [bins, frames] as areas of equal level, from the softest that is shown to the loudest."""
    bins, frames = magnitudes.shape
    hertz = _LOWEST * (rate / 2 / _LOWEST) ** (np.arange(_ROWS) / _ROWS)  # where each row begins
    starts = np.floor(hertz / (rate / 2) * (bins - 1)).astype(int)
    loudest = np.maximum.reduceat(magnitudes, starts, axis=0)  # of the bins of each row; a bin alone may fill several
    level = 20 * np.log10(loudest / max(float(magnitudes.max()), 1e-9) + 1e-9)
    steps = np.ceil((1 + level / range_db) * _LEVELS).clip(0, _LEVELS).astype(int)  # [rows, frames]
    wide, high = WIDTH / frames, height / _ROWS
    areas = [""] * (_LEVELS + 1)
    for row, row_levels in enumerate(steps):
        top = height - (row + 1) * high
        edges = np.flatnonzero(np.diff(row_levels, prepend=-1, append=-1))
        for start, end in pairwise(edges):
            width = (end - start) * wide
            areas[row_levels[start]] += f"M{start * wide:.1f} {top:.1f}h{width:.1f}v{high:.1f}h-{width:.1f}z"
    return areas[1:]


def _down(values: ArrayLike, low: float, high: float, height: int) -> NDArray[np.float64]:
    """Values as heights from the upper edge; what lies outside is brought to the edge."""
    part = (np.asarray(values, dtype=np.float64) - low) / ((high - low) or 1.0)
    return _EDGE + (1 - part.clip(0, 1)) * (height - 2 * _EDGE)
