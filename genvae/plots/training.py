"""How a training went: the parts of the loss, the distance of reconstructions, and the active units, over its steps."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from genvae.errors import RunError
from genvae.files import MISREAD
from genvae.plots import style
from genvae.run import Run

_ASIDE = ("kind", "step", "seconds", "clips_per_second", "waiting")
_LAST = ("distance_db", "active_units")
_LABELS = {"distance_db": "distance in dB", "active_units": "active units"}

Series = tuple[list[int], list[float]]


def training(run: Run) -> Figure:
    """A panel for each part of the loss, as training and validation measured it, and for what validation adds.

    Raises:
        RunError: the run has no log, or one that can't be read.
    """
    logged = _read(run.metrics_path)
    names = sorted({name for _, name in logged}, key=lambda name: (name != "loss", name in _LAST, name))
    rows = -(-len(names) // 2)
    drawn = style.figure(0.5 + 1.7 * rows)
    panels = drawn.subplots(rows, 2, squeeze=False, sharex=True).ravel()
    for panel, name in zip(panels, names, strict=False):
        for number, (kind, line) in enumerate((("train", "-"), ("validation", "o-"))):
            if (kind, name) in logged:
                steps, values = logged[kind, name]
                panel.plot(steps, values, line, color=style.COLOURS[number], linewidth=1.2, markersize=3.5, label=kind)
        panel.set_title(_LABELS.get(name, name.replace("_", " ")), fontsize=10)
        panel.grid(alpha=0.3)
        if name == "active_units":
            panel.set_ylim(bottom=0)
            panel.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    for panel in panels[max(0, len(names) - 2) : len(names)]:
        panel.tick_params(labelbottom=True)
        panel.set_xlabel("step")
    handles = {
        label: handle for panel in panels for handle, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    drawn.legend(
        handles=list(handles.values()), labels=list(handles), loc="outside lower center", ncols=2, frameon=False
    )
    return drawn


def _read(path: Path) -> dict[tuple[str, str], Series]:
    """The values of a log by kind of line and name, as steps and values."""
    series: defaultdict[tuple[str, str], Series] = defaultdict(lambda: ([], []))
    try:
        for line in path.read_text(encoding="ascii").splitlines():
            entry = json.loads(line)
            if entry["kind"] in ("train", "validation"):
                for name in entry.keys() - set(_ASIDE):
                    steps, values = series[entry["kind"], name]
                    steps.append(int(entry["step"]))
                    values.append(float(entry[name]))
    except FileNotFoundError as error:
        raise RunError(f"{path} does not exist: the run keeps no log of its training.") from error
    except (OSError, *MISREAD) as error:
        raise RunError(f"{path} is damaged: {type(error).__name__}: {error}.") from error
    if not series:
        raise RunError(f"{path} holds no step of a training yet.")
    return dict(series)
