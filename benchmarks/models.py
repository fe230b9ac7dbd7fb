"""Trains every model for the same time on the same music, measures each, and writes the table of docs/models.md.

    OMP_NUM_THREADS=1 python benchmarks/models.py STORE FOLDER --minutes 8

A run that FOLDER holds already is measured as it is, so that what was stopped goes on. Time is that of one process; the
numbers are those of `genvae evaluate`, and docs/evaluation.md tells what they mean.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from genvae.clips.store import ClipStore
from genvae.files import write_whole
from genvae.metrics import Rating
from genvae.metrics.judge import Judge
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer

PAGE = Path(__file__).parent.parent / "docs" / "models.md"
MODELS = ("reference-vae", "conv-vae", "beta-vae", "wae", "vq-vae", "vae-gan", "flow-vae")
HEADS = ("statistics distance", "embedder distance", "told apart", "accuracy", "density", "coverage", "diversity")
Sets = dict[str, NDArray[np.float32]]


def main() -> None:
    """Train what is missing, measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=8.0, help="of training, for each model")
    parser.add_argument("--clips", type=int, default=120, help="of each genre")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    store = ClipStore.open(asked.store)
    judge = Judge(store, clips=asked.clips)
    for model in MODELS:
        trained(model, asked.store, asked.folder / model, asked.minutes)
    models = table(("model", "weights", "batches", "a clip", *HEADS), model_rows(judge, asked.folder))
    said = f"`python benchmarks/models.py STORE FOLDER --minutes {asked.minutes:g} --clips {judge.clips}`"
    where = f"torch {torch.__version__}, one thread; by {names(judge)}"
    write("models", f"{said}, {where}:\n\n{models}")


def trained(model: str, store: Path, run: Path, minutes: float) -> None:
    """Train a model unless it is there."""
    if not (run.exists() and Run(run).finished):
        options = ["--minutes", str(minutes), *(["--resume"] if run.exists() else ["--model", model])]
        subprocess.run([sys.executable, "-m", "genvae", "train", store, "--run", run, *options], check=True)


def model_rows(judge: Judge, folder: Path) -> Iterator[list[str]]:
    """A row for real clips, and one for each model with its default prior."""
    waves = {genre: judge.store.waves(numbers) for genre, numbers in judge.training.items()}
    yield ["real, training recordings", "", "", "", *cells(judge.rate(waves))]
    for model in MODELS:
        run = Run(folder / model)
        weights = sum(p.numel() for p in run.load(installed()).model.parameters()) / 1e6
        steps = max(json.loads(line)["step"] for line in run.metrics_path.read_text(encoding="ascii").splitlines())
        synthesizer = Synthesizer(run, installed())
        synthesizer.generate(judge.genres[0], seed=1, index=0)
        seconds: list[float] = []
        sets = generated(judge, synthesizer, seconds.append)
        yield [
            f"`{model}`",
            f"{weights:.1f} M",
            str(steps),
            f"{1000 * median(seconds):.0f} ms",
            *cells(judge.rate(sets)),
        ]


def generated(judge: Judge, synthesizer: Synthesizer, took: Callable[[float], object]) -> Sets:
    """New clips of each genre, [clips, samples]; `took` is told the seconds of each."""
    sets = {}
    for genre in judge.genres:
        waves = []
        for index in range(judge.clips):
            began = time.perf_counter()
            waves.append(synthesizer.generate(genre, seed=0, index=index).wave.numpy())
            took(time.perf_counter() - began)
        sets[genre] = np.stack(waves)
    return sets


def cells(rating: Rating) -> list[str]:
    """The cells of HEADS, each with half a 95 % interval."""
    told, heard = rating.values()
    columns = (
        (told, "frechet", 1),
        (heard, "frechet", 1),
        (told, "auc", 2),
        *((heard, name, 2) for name in ("accuracy", "density", "coverage", "diversity")),
    )
    return [
        f"{getattr(estimate.value, name):.{places}f} ±{1.96 * getattr(estimate.error, name):.{places}f}"
        for estimate, name, places in columns
    ]


def names(judge: Judge) -> str:
    """What measures, with versions and digests."""
    return " and ".join(member.name for member in judge.members)


def table(heads: tuple[str, ...], rows: Iterator[list[str]]) -> str:
    """A Markdown table, whose rows are also printed as they come."""
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for row in rows:
        lines.append("| " + " | ".join(row) + " |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def write(mark: str, block: str, path: Path = PAGE) -> None:
    """Put a block between two marks of a page."""
    page = path.read_text(encoding="utf-8")
    pattern = rf"(<!-- {mark} -->\n).*(<!-- end of {mark} -->)"
    made = re.sub(pattern, lambda found: f"{found[1]}{block}\n{found[2]}", page, flags=re.DOTALL)
    write_whole(path, made.encode())


if __name__ == "__main__":
    main()
