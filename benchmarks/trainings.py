"""Shows what longer training gives: writes the table of docs/training.md, its curves, and a clip of each genre.

    python benchmarks/trainings.py STORE RUN [RUN ...]

The runs are trained on STORE with budgets of different length, such as those of `genvae train --preset`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib
import soundfile
import torch
from models import HEADS, generated, names, rated

from genvae.clips.store import ClipStore
from genvae.files import write_whole
from genvae.metrics.judge import Judge
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer

matplotlib.use("agg")
import matplotlib.pyplot as plt  # after the backend is chosen

DOCS = Path(__file__).parent.parent / "docs"
SEED = 3
PARTS = {"nll": "negative log-likelihood of the codes", "flow": "the flow's loss", "distance_db": "distance in dB"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe & Ito's, which colour-blind people can tell apart


def main() -> None:
    """Measure the runs, and write table, picture and clips."""
    store_path, *paths = sys.argv[1:]
    torch.set_num_threads(1)
    judge = Judge(ClipStore.open(Path(store_path)))
    runs = sorted((Run(Path(path)) for path in paths), key=minutes)
    curves(runs)
    heads = ("minutes", "batches", "clips/s", "nll", "flow", "distance dB", *HEADS)
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for run in runs:
        synthesizer = Synthesizer(run, installed())
        for genre in synthesizer.genres:
            clip = synthesizer.generate(genre, seed=SEED, index=0)
            target = DOCS / "sounds" / f"{genre}-{minutes(run):.0f}-minutes.ogg"
            target.parent.mkdir(exist_ok=True)
            soundfile.write(target, clip.wave.numpy(), clip.sample_rate)
        last, steps = records(run, "validation")[-1], records(run, "train")[-1]
        cells = [
            f"{minutes(run):.0f}",
            f"{last['step']}",
            f"{steps['clips_per_second']:.0f}",
            f"{last['nll']:.3f}",
            f"{last['flow']:.3f}",
            f"{last['distance_db']:.1f}",
            *rated(judge, generated(judge, synthesizer, lambda _: None)),
        ]
        lines.append("| " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    said = f"`python benchmarks/trainings.py STORE RUN ...`, torch {torch.__version__}; by {names(judge)}:"
    block = "<!-- table -->\n" + said + "\n\n" + "\n".join(lines) + "\n<!-- end of table -->"
    page = DOCS / "training.md"
    text = page.read_text(encoding="utf-8")
    made = re.sub("<!-- table -->.*<!-- end of table -->", lambda _: block, text, flags=re.DOTALL)
    write_whole(page, made.encode())


def minutes(run: Run) -> float:
    """How long a run was trained."""
    seconds: float = records(run, "train")[-1]["seconds"]
    return seconds / 60


def records(run: Run, kind: str) -> list[dict[str, Any]]:
    """The lines of a kind in a run's metrics."""
    lines = map(json.loads, run.metrics_path.read_text(encoding="ascii").splitlines())
    return [line for line in lines if line["kind"] == kind]


def curves(runs: list[Run]) -> None:
    """Draw what validation found over the minutes of each run."""
    figure, axes = plt.subplots(1, len(PARTS), figsize=(11, 3.4), layout="constrained")
    for axis, (part, name) in zip(axes, PARTS.items(), strict=True):
        for run, colour in zip(runs, COLOURS, strict=False):
            trained = records(run, "train")
            when = {line["step"]: line["seconds"] / 60 for line in trained}
            points = [(at(when, line["step"]), line[part]) for line in records(run, "validation")]
            axis.plot(*zip(*points, strict=True), "o-", ms=3, color=colour, label=f"{minutes(run):.0f} minutes")
        axis.set(title=name, xlabel="minutes", xscale="log")
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(DOCS / "pictures" / "trainings.png", dpi=110)


def at(when: dict[int, float], step: int) -> float:
    """The minute of a step, from the nearest one that was logged."""
    return when[min(when, key=lambda logged: abs(logged - step))]


if __name__ == "__main__":
    main()
