"""The plots of a benchmark: quality against cost of the vocoders, and their cost against lengths and batches."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genvae.bench.contest import Measurement
from genvae.bench.results import Results
from genvae.errors import DiskError
from genvae.files import write_whole
from genvae.pipeline import DEFAULTS

PLOTS = {
    "vocoders-pareto.png": "Spectral convergence of each vocoder against its cost",
    "vocoders-cost.png": "Cost of the vocoders against the length of clips and the size of batches",
}


def pareto(results: Results) -> Figure:
    """Quality against cost, in the case that has both, on exact and on blurred magnitudes."""
    case = next(m.case for m in results.measurements if m.suite == "vocoders" and m.metric == "blurred")
    rows = [m for m in results.measurements if (m.suite, m.case) == ("vocoders", case) and m.value is not None]
    cost = {m.contender: m for m in rows if m.metric == "cost"}
    figure, both = _two(8)
    for axes, metric in zip(both, ("exact", "blurred"), strict=True):
        points = [(float(cost[m.contender].value or 0), float(m.value or 0), m) for m in rows if m.metric == metric]
        best = [p for p in points if not any(q[0] < p[0] and q[1] < p[1] for q in points)]
        _scatter(axes, points, best)
        axes.plot(*zip(*sorted(p[:2] for p in best), strict=True), color="0.6", linewidth=1, zorder=0)
        axes.set(
            xlabel="milliseconds per second of audio", ylabel="spectral convergence, dB", title=f"{metric} magnitudes"
        )
        axes.invert_yaxis()  # better is up, faster is left
    figure.suptitle(f"Vocoders, {case}; the line joins those that no other beats in both")
    return figure


def _scatter(
    axes: Axes, points: Sequence[tuple[float, float, Measurement]], best: Sequence[tuple[float, float, Measurement]]
) -> None:
    """Draw the points: the names of the best stand on their left, where nothing is, those of others on their right.

    Of genvae's own, others are named at default options alone.
    """
    axes.set_xscale("log")
    for x, y, m in points:
        colour = "C1" if _is_peer(m) else "C0"
        axes.scatter(x, y, color=colour, s=70 if m.contender == DEFAULTS["vocoder"].partition(":")[2] else 25, zorder=2)
    least, most = min(p[0] for p in points), max(p[0] for p in points)
    axes.set_xlim(least / 40, most * 40)  # room for names on both sides
    others = [p for p in points if p not in best and ("=" not in p[2].contender or _is_peer(p[2]))]
    step = 0.028 * (max(p[1] for p in points) - min(p[1] for p in points))
    for named, beside, side in ((best, 1 / 1.3, "right"), (others, 1.3, "left")):
        height = float("-inf")
        for x, y, m in sorted(named, key=lambda p: p[1]):
            height = max(y, height + step)
            arrow = {"arrowstyle": "-", "color": "0.7", "linewidth": 0.5}
            place = (x * beside, height)
            axes.annotate(m.contender, (x, y), place, fontsize=7, ha=side, va="center", arrowprops=arrow)
    for colour, label in (("C0", "genvae"), ("C1", "other libraries")):
        axes.scatter([], [], color=colour, s=25, label=label)
    axes.legend(loc="lower right")


def _is_peer(m: Measurement) -> bool:
    """Whether the work is another library's."""
    return m.peer or m.contender.startswith("torchaudio")


def cost(results: Results) -> Figure | None:
    """Cost a second of audio against the length and against the batch; None where a run has but one of each."""
    shape = re.compile(r"FFT 1024, hop 256, (\d+) x ([\d.]+) s")
    rows = [(m, shape.fullmatch(m.case)) for m in results.measurements if m.suite == "vocoders" and m.metric == "cost"]
    found = [(m, int(s[1]), float(s[2])) for m, s in rows if s and m.value is not None and "=" not in m.contender]
    if len({(batch, seconds) for _, batch, seconds in found}) < 3:
        return None
    figure, (by_length, by_batch) = _two(5, sharey=True)
    for name in dict.fromkeys(m.contender for m, _, _ in found):
        own = [(batch, seconds, m.value) for m, batch, seconds in found if m.contender == name]
        for axes, line in (
            (by_length, sorted((seconds, value) for batch, seconds, value in own if batch == 1)),
            (by_batch, sorted((batch, value) for batch, seconds, value in own if seconds == 1)),
        ):
            if len(line) > 1:
                axes.plot(*zip(*line, strict=True), marker="o", markersize=4, label=name)
    by_length.set(xlabel="seconds in a clip", ylabel="milliseconds per second of audio", title="one clip at a time")
    by_batch.set(xlabel="clips in a batch", title="clips of one second")
    for axes in (by_length, by_batch):
        axes.set(xscale="log", yscale="log")
    by_batch.legend(fontsize=7)
    return figure


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw what the results have of the plots as PNG files into a folder, which is made if it is missing.

    Raises:
        DiskError: they can't be written.
    """
    if not any((m.suite, m.metric) == ("vocoders", "blurred") for m in results.measurements):
        return []
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in zip(PLOTS, (pareto(results), cost(results)), strict=True):
            if figure is not None:
                content = io.BytesIO()
                figure.savefig(content, dpi=90, format="png")
                write_whole(folder / name, content.getvalue())
                written.append(folder / name)
    except OSError as error:
        raise DiskError(f"{error.filename or folder} can't be written: {error.strerror}.") from error
    return written


def _two(height: float, *, sharey: bool = False) -> tuple[Figure, Any]:
    """A figure with two plots beside each other."""
    figure = Figure(figsize=(13, height), layout="constrained")
    return figure, figure.subplots(1, 2, sharey=sharey)
