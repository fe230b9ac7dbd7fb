"""Shows what longer training gives: writes the table of docs/training.md, its picture, and a clip of each genre.

    python benchmarks/trainings.py STORE RUN [RUN ...]

The runs are trained on STORE with budgets of different length, such as those of `genvae train --preset`. The pretrained
run comes last, with the minutes that its card tells. The numbers are those of `genvae evaluate`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import soundfile
import torch
from models import names, table, write

from genvae.clips.store import ClipStore
from genvae.metrics import Rating
from genvae.metrics.evaluation import REAL, TRAINING, Evaluation
from genvae.metrics.stages import generated
from genvae.plugin.registry import installed
from genvae.pretrained import pretrained_run
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer

matplotlib.use("agg")
import matplotlib.pyplot as plt  # after the backend is chosen

DOCS = Path(__file__).parent.parent / "docs"
SEED = 3
REAL_ROWS = {REAL: "--", TRAINING: ":"}
LOSSES = {"nll": "negative log-likelihood of the codes", "flow": "the flow's loss", "distance_db": "distance in dB"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")  # Okabe & Ito's, which colour-blind people can tell apart


def main() -> None:
    """Measure the runs, and write table, picture and clips."""
    store, *paths = sys.argv[1:]
    pretrained = Run(pretrained_run())
    trained = dict(sorted((minutes(run), run) for run in map(Run, map(Path, paths))))
    runs = trained | {minutes_on_card(pretrained): pretrained}
    evaluation = Evaluation(pretrained, installed(), ClipStore.open(Path(store)))
    members = [member.name for member in evaluation.judge.members]
    heads = [f"{name.split()[0].removeprefix('genvae-')} distance" for name in members]
    ratings: dict[float | str, Rating] = {}
    rows = table(
        ("minutes", "clips/s", "nll", "flow", *heads, "told apart", "accuracy", "density", "coverage"),
        measured(evaluation, runs, ratings),
    )
    said = f"`python benchmarks/trainings.py STORE RUN ...`, torch {torch.__version__}; by {names(evaluation.judge)}"
    write("trainings", f"{said}:\n\n{rows}", DOCS / "training.md")
    draw(trained, [*runs], members, ratings)


def measured(
    evaluation: Evaluation, runs: Mapping[float, Run], ratings: dict[float | str, Rating]
) -> Iterator[list[str]]:
    """A row for each run and two for real clips; what they hold is also put into `ratings`."""
    for length, run in runs.items():
        synthesizer = Synthesizer(run, installed())
        keep_sounds(synthesizer, length)
        sets = {genre: generated(synthesizer, genre, evaluation.judge.clips, 0) for genre in evaluation.genres}
        evaluation.add(f"{length:.0f}", lambda sets=sets: sets)  # type: ignore[misc]  # the row's own
        ratings[length] = evaluation.judge.rate_embeddings(evaluation.hear(f"{length:.0f}"))
        yield [f"{length:.0f}", *progress(run), *cells(ratings[length])]
    for name in REAL_ROWS:
        ratings[name] = evaluation.judge.rate_embeddings(evaluation.hear(name))
        yield [name, "", "", "", *cells(ratings[name])]


def cells(rating: Rating) -> list[str]:
    """Each member's distance, by which share the first tells clips from real ones, and what the last one says."""
    first, *_, last = rating.values()
    columns = [(member, "frechet", 1) for member in rating.values()]
    columns += [(first, "auc", 2), (last, "accuracy", 2), (last, "density", 2), (last, "coverage", 2)]
    return [
        f"{getattr(estimate.value, name):.{places}f} ±{1.96 * getattr(estimate.error, name):.{places}f}"
        for estimate, name, places in columns
    ]


def progress(run: Run) -> list[str]:
    """Clips a second and two losses on held-out recordings; of a run without metrics, as the pretrained, nothing."""
    if not run.metrics_path.exists():
        return ["", "", ""]
    last, steps = records(run, "validation")[-1], records(run, "train")[-1]
    return [f"{steps['clips_per_second']:.0f}", f"{last['nll']:.3f}", f"{last['flow']:.3f}"]


def keep_sounds(synthesizer: Synthesizer, length: float) -> None:
    """Write a clip of each genre, of the same seed whatever the run."""
    for genre in synthesizer.genres:
        clip = synthesizer.generate(genre, seed=SEED, index=0)
        target = DOCS / "sounds" / f"{genre}-{length:.0f}-minutes.ogg"
        target.parent.mkdir(exist_ok=True)
        soundfile.write(target, clip.wave.numpy(), clip.sample_rate)


def minutes(run: Run) -> float:
    """How long a run was trained."""
    seconds: float = records(run, "train")[-1]["seconds"]
    return seconds / 60


def minutes_on_card(run: Run) -> float:
    """How long a run was trained by its model card, in all commands that stand there."""
    card = (run.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    return float(sum(map(int, re.findall(r"^    .*--minutes (\d+)", card, flags=re.MULTILINE))))


def records(run: Run, kind: str) -> list[dict[str, Any]]:
    """The lines of a kind in a run's metrics."""
    lines = map(json.loads, run.metrics_path.read_text(encoding="ascii").splitlines())
    return [line for line in lines if line["kind"] == kind]


def draw(
    trained: Mapping[float, Run],
    lengths: Sequence[float],
    members: Sequence[str],
    ratings: Mapping[float | str, Rating],
) -> None:
    """Draw how far clips are from real ones over the minutes, by each member, and the losses as they fell."""
    figure, (above, below) = plt.subplots(2, 3, figsize=(11, 6.4), layout="constrained")
    for axis, member in zip(above, members, strict=True):
        axis.plot(lengths, [ratings[length][member].value.frechet for length in lengths], "o-", color="black")
        for name, style in REAL_ROWS.items():
            axis.axhline(ratings[name][member].value.frechet, ls=style, color="grey", label=name)
        axis.set(title=f"distance by {member.split()[0]}", xlabel="minutes", xscale="log", ylim=(0, None))
    for axis, (part, name) in zip(below, LOSSES.items(), strict=True):
        for (length, run), colour in zip(trained.items(), COLOURS, strict=False):
            when = {line["step"]: line["seconds"] / 60 for line in records(run, "train")}
            points = [(at(when, line["step"]), line[part]) for line in records(run, "validation")]
            axis.plot(*zip(*points, strict=True), "o-", ms=3, color=colour, label=f"{length:.0f} minutes")
        axis.set(title=name, xlabel="minutes", xscale="log")
    for axis in (*above, *below):
        axis.grid(alpha=0.3)
    above[0].legend()
    below[0].legend()
    figure.savefig(DOCS / "pictures" / "trainings.png", dpi=110)


def at(when: dict[int, float], step: int) -> float:
    """The minute of a step, from the nearest one that was logged."""
    return when[min(when, key=lambda logged: abs(logged - step))]


if __name__ == "__main__":
    main()
