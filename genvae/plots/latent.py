"""The map of a run: its training clips by genre, where they are dense, and where given latents fall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from torch import Tensor

from genvae.latents import LatentMap
from genvae.plots import style

_GRID = 96  # cells of the density on a side
_MASSES = (0.9, 0.5)  # of a genre's clips within each contour
_BLUR = 2.0  # cells, the standard deviation of a clip in the density

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Mark:
    """A place to show on the map.

    Attributes:
        name: what it is called there.
        latent: [latent_dim].
    """

    name: str
    latent: Tensor


def latent(maps: Sequence[LatentMap], genres: Sequence[str], marks: Sequence[Mark] = ()) -> Figure:
    """Maps side by side: a clip a mark by its genre; contours around half and nine tenths of a genre's clips."""
    drawn = style.figure(4.2 if len(maps) > 1 else 5.2)
    panels = drawn.subplots(1, len(maps), squeeze=False)[0]
    for panel, each in zip(panels, maps, strict=True):
        _draw(panel, each, genres, marks)
    handles = [
        Line2D([], [], color=style.colour(index), marker=style.marker(index), linestyle="none", label=genre)
        for index, genre in enumerate(genres)
    ]
    handles += [
        Line2D([], [], color="black", marker=f"${number}$", markersize=9, linestyle="none", label=mark.name)
        for number, mark in enumerate(marks, 1)
    ]
    drawn.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 3), frameon=False)
    return drawn


def _draw(axes: Axes, shown: LatentMap, genres: Sequence[str], marks: Sequence[Mark]) -> None:
    points, genre = shown.points.double().numpy(), shown.genre.numpy()
    size = float(np.clip(8000 / len(points), 0.6, 12))
    order = np.random.default_rng(0).permutation(len(points))  # so that no genre lies on top of the others
    for start in range(0, len(order), 500):
        some = order[start : start + 500]
        for index in range(len(genres)):
            own = points[some[genre[some] == index]]
            axes.scatter(
                own[:, 0],
                own[:, 1],
                s=size,
                color=style.colour(index),
                marker=style.marker(index),
                alpha=0.35,
                linewidths=0,
                rasterized=True,
            )
    low, high = np.quantile(points, [0.001, 0.999], axis=0)
    margin = np.where(high > low, 0.08 * (high - low), 1.0)  # of a single clip the place alone is known
    low, high = low - margin, high + margin
    for index in range(len(genres)):
        own = points[genre == index]
        if len(own) >= 20:
            _contours(axes, own, low, high, style.colour(index))
    placed = shown.place(_stacked(marks)).double().numpy() if marks else np.zeros((0, 2))
    for number, point in enumerate(placed, 1):
        axes.plot(*point, marker="o", color="white", markeredgecolor="black", markersize=13, zorder=5)
        axes.plot(*point, marker=f"${number}$", color="black", markersize=7, zorder=6)
    low, high = np.minimum(low, placed.min(0, initial=np.inf)), np.maximum(high, placed.max(0, initial=-np.inf))
    axes.set(
        xlim=(low[0], high[0]),
        ylim=(low[1], high[1]),
        title=f"{shown.method.upper()} of {len(points)} clip{'s' * (len(points) != 1)}",
    )
    if shown.explained is not None:
        first, second = shown.explained
        axes.set(xlabel=f"first component ({first:.1%} of variance)", ylabel=f"second component ({second:.1%})")
    else:
        axes.set(xticks=[], yticks=[], xlabel="distances between groups mean little")


def _stacked(marks: Sequence[Mark]) -> Tensor:
    import torch

    return torch.stack([mark.latent for mark in marks])


def _contours(axes: Axes, points: Floats, low: Floats, high: Floats, colour: str) -> None:
    """Lines around the densest places that hold half and nine tenths of the points [N, 2]."""
    counts, across, up = np.histogram2d(points[:, 0], points[:, 1], bins=_GRID, range=list(zip(low, high, strict=True)))
    reach = np.arange(-int(3 * _BLUR), int(3 * _BLUR) + 1)
    kernel = np.exp(-0.5 * (reach / _BLUR) ** 2)
    density: Floats = counts
    for axis in (0, 1):
        density = np.apply_along_axis(np.convolve, axis, density, kernel / kernel.sum(), "same")
    ranked = np.sort(density.ravel())[::-1]
    held = np.cumsum(ranked) / ranked.sum()
    thresholds = [float(ranked[min(int(np.searchsorted(held, mass)), len(ranked) - 1)]) for mass in _MASSES]
    if thresholds[0] < thresholds[1]:
        middle = [(edges[1:] + edges[:-1]) / 2 for edges in (across, up)]
        axes.contour(*middle, density.T, levels=thresholds, colors=[colour], linewidths=[0.9, 1.8], zorder=4)
