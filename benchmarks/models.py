"""Trains every model for the same time on the same music, measures each with every prior, and writes docs/models.md.

    OMP_NUM_THREADS=1 python benchmarks/models.py STORE FOLDER --minutes 8

A run that FOLDER holds already is measured as it is, so that what was stopped goes on. Time is that of one process; the
numbers are those of `genvae evaluate`, and docs/evaluation.md tells what they mean.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from genvae.clips.batches import in_order
from genvae.clips.store import ClipStore
from genvae.files import write_whole
from genvae.metrics.judge import Judge
from genvae.pipeline import PartConfig, Pipeline
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer

PAGE = Path(__file__).parent.parent / "docs" / "models.md"
MODELS = ("reference-vae", "conv-vae", "beta-vae", "wae", "vq-vae", "vae-gan", "flow-vae")
PRIORS = ("standard-normal", "gaussian", "gmm", "flow")
BASE = "flow-vae"  # whose latents the priors are compared on
HEADS = ("statistics distance", "embedder distance", "told apart", "accuracy", "density", "coverage", "diversity")
Sets = dict[str, NDArray[np.float32]]


def main() -> None:
    """Train what is missing, measure, and write both tables."""
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
    models = table(("model", "weights", "batches", "a clip"), model_rows(judge, asked.folder))
    priors = table(("prior", "fitted in"), prior_rows(judge, store, Run(asked.folder / BASE), asked.folder))
    said = f"`python benchmarks/models.py STORE FOLDER --minutes {asked.minutes:g} --clips {judge.clips}`"
    where = f"torch {torch.__version__}, one thread; by {names(judge)}"
    write("models", f"{said}, {where}:\n\n{models}")
    write("priors", f"The latents of that `{BASE}`, with every prior:\n\n{priors}")


def trained(model: str, store: Path, run: Path, minutes: float) -> None:
    """Train a model unless it is there."""
    if not (run.exists() and Run(run).finished):
        options = ["--minutes", str(minutes), *(["--resume"] if run.exists() else ["--model", model])]
        subprocess.run([sys.executable, "-m", "genvae", "train", store, "--run", run, *options], check=True)


def model_rows(judge: Judge, folder: Path) -> Iterator[list[str]]:
    """A row for real clips, and one for each model with its default prior."""
    waves = {genre: judge.store.waves(numbers) for genre, numbers in judge.training.items()}
    yield ["real, training recordings", "", "", "", *rated(judge, waves)]
    for model in MODELS:
        run = Run(folder / model)
        weights = sum(p.numel() for p in run.load(installed()).model.parameters()) / 1e6
        steps = max(json.loads(line)["step"] for line in run.metrics_path.read_text(encoding="ascii").splitlines())
        synthesizer = Synthesizer(run, installed())
        synthesizer.generate(judge.genres[0], seed=1, index=0)
        seconds: list[float] = []
        sets = generated(judge, synthesizer, seconds.append)
        yield [f"`{model}`", f"{weights:.1f} M", str(steps), f"{1000 * median(seconds):.0f} ms", *rated(judge, sets)]


def prior_rows(judge: Judge, store: ClipStore, run: Run, folder: Path) -> Iterator[list[str]]:
    """A row for each prior, fitted to draws from the posteriors of the training clips, as training does it."""
    registry = installed()
    trained = run.load(registry)
    latents, genres = drawn_latents(trained, store)
    for name in PRIORS:
        config = replace(run.config, prior=PartConfig.of(registry, "prior", name, {}))
        other = Pipeline.build(config, registry)
        other.transform.load_state_dict(trained.transform.state_dict())
        other.model.load_state_dict(trained.model.state_dict())
        began = time.perf_counter()
        other.prior.fit(latents, genres, generator=torch.Generator().manual_seed(0))
        seconds = time.perf_counter() - began
        path = folder / f"{BASE}, {name}"
        shutil.rmtree(path, ignore_errors=True)
        made = Run.create(path, config, asdict(other.transform.spec), run.training, run.data)
        made.save_weights(other)
        synthesizer = Synthesizer(made, registry)
        yield [f"`{name}`", f"{seconds:.0f} s", *rated(judge, generated(judge, synthesizer, lambda _: None))]


@torch.no_grad()
def drawn_latents(pipeline: Pipeline, store: ClipStore) -> tuple[torch.Tensor, torch.Tensor]:
    """A draw from the posterior of every training clip, [N, latent_dim], and their genres [N]."""
    pipeline.eval()
    generator = torch.Generator().manual_seed(0)
    draws, genres = [], []
    for waves, genre in in_order(store, store.select(split="train"), 64):
        draws.append(pipeline.model.encode(pipeline.transform(waves), genre).sample(generator))
        genres.append(genre)
    return torch.cat(draws), torch.cat(genres)


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


def rated(judge: Judge, sets: Sets) -> list[str]:
    """The cells of HEADS, each with half a 95 % interval."""
    told, heard = judge.rate(sets).values()
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
    lines = ["| " + " | ".join((*heads, *HEADS)) + " |", "|" + "---|" * (len(heads) + len(HEADS))]
    for row in rows:
        lines.append("| " + " | ".join(row) + " |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def write(mark: str, block: str) -> None:
    """Put a block between two marks of the page."""
    page = PAGE.read_text(encoding="utf-8")
    pattern = rf"(<!-- {mark} -->\n).*(<!-- end of {mark} -->)"
    made = re.sub(pattern, lambda found: f"{found[1]}{block}\n{found[2]}", page, flags=re.DOTALL)
    write_whole(PAGE, made.encode())


if __name__ == "__main__":
    main()
