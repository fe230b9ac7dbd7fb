"""Measures what phases do to the magnitudes that a run's model makes, and writes the table of docs/vocoders.md.

    OMP_NUM_THREADS=1 python benchmarks/phases.py STORE [RUN] [--picture FILE]

STORE is the one that RUN, by default the pretrained one, was trained on. Training clips are brought through the model's
last stage; then their magnitudes are given phases in several ways, those of the clips themselves among them. The
numbers are those of `genvae evaluate`, which docs/evaluation.md explains. The picture shows what becomes of a clip of
each genre.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from models import HEADS, cells, names, table, write
from torch import Tensor

from genvae import Vocoder, windows
from genvae.audio.limiter import limited
from genvae.clips.store import ClipStore
from genvae.metrics.comparison import default_members
from genvae.metrics.embedder import Waves
from genvae.metrics.evaluation import TRAINING, Evaluation
from genvae.pipeline import Pipeline
from genvae.plugin.registry import installed
from genvae.pretrained import pretrained_run
from genvae.run import Run
from genvae.synthesis.synthesizer import item_generator

PAGE = Path(__file__).parent.parent / "docs" / "vocoders.md"
BATCH = 20
ROUNDS = (0, 2, 4, 8, 64)  # of `pghi-refined`
ROUNDS_FROM_TRUE = (0, 1, 2, 8)

SHORT, SHORT_HOP = 256, 64  # samples of the frames of the picture, in which one sees attacks


Way = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Clips [B, samples], their own and the model's log magnitudes [B, bins, frames] -> waveforms [B, samples]."""


def main() -> None:
    """Bring clips through the model, give them phases, measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("run", type=Path, nargs="?", default=pretrained_run())
    parser.add_argument("--clips", type=int, default=120, help="of each genre")
    parser.add_argument("--picture", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    store, run = ClipStore.open(asked.store), Run(asked.run)
    evaluation = Evaluation(run, installed(), store, members=default_members(), clips=asked.clips)
    if asked.picture:
        picture(evaluation, store, run.load(installed())).savefig(asked.picture, dpi=80)
    rows = table(("phases", "rounds from there", *HEADS), phase_rows(evaluation, store, run.load(installed())))
    of = "" if asked.run == pretrained_run() else " RUN"
    origin = f"`python benchmarks/phases.py STORE{of} --clips {asked.clips}`, torch {torch.__version__}, one thread"
    write("phases", f"{origin}; by {names(evaluation.judge)}:\n\n{rows}", PAGE)


@torch.no_grad()
def phase_rows(evaluation: Evaluation, store: ClipStore, pipeline: Pipeline) -> Iterator[list[str]]:
    """A row for the clips themselves, and one for each way to find phases."""
    pipeline.eval()
    yield ["the clips themselves", "", *cells(evaluation.row(TRAINING).rating)]
    clips = {
        genre: store.shifted_waves(numbers, np.zeros(len(numbers), dtype=np.int64))
        for genre, numbers in evaluation.judge.training.items()
    }
    for name, rounds, way in ways(pipeline):
        row = f"training, {name} {rounds}"  # which recordings these clips are of is known by this beginning
        evaluation.sources[row] = partial(brought, pipeline, clips, way)
        yield [name, rounds, *cells(evaluation.row(row).rating)]


def ways(pipeline: Pipeline) -> Iterator[tuple[str, str, Way]]:
    """How phases are found: what the row is called, the rounds, and what does it."""
    spec, registry = pipeline.vocoder.spec, installed()
    window = windows.of(spec)

    def refined(rounds: int) -> Vocoder:
        vocoder: Vocoder = registry.make("vocoder", "pghi-refined", {"iterations": rounds}, spec=spec)
        return vocoder

    def angles(wave: Tensor) -> Tensor:
        options = {"window": window, "pad_mode": "constant", "return_complex": True}
        return torch.stft(wave, spec.n_fft, spec.hop, **options).angle()

    def own_phases(vocoder: Vocoder, clip: Tensor, own: Tensor, made: Tensor) -> Tensor:
        return vocoder(made, length=clip.shape[1], initial_phase=angles(clip))

    def of_own_magnitudes(clip: Tensor, own: Tensor, made: Tensor) -> Tensor:
        heard = angles(refined(8)(own, length=clip.shape[1]))
        return refined(0)(made, length=clip.shape[1], initial_phase=heard)

    for rounds in ROUNDS:
        yield "`pghi-refined`, of the model's magnitudes", str(rounds), partial(found, refined(rounds))
    for rounds in ROUNDS_FROM_TRUE:
        yield "the clip's own", str(rounds), partial(own_phases, refined(rounds))
    yield "`pghi-refined`, of the clip's magnitudes", "0", of_own_magnitudes
    if not isinstance(pipeline.vocoder, type(refined(0))):
        name = f"`{pipeline.config.vocoder.plugin}`, of the model's magnitudes"
        yield name, "", partial(found, pipeline.vocoder)


def found(vocoder: Vocoder, clip: Tensor, own: Tensor, made: Tensor) -> Tensor:
    """The way of a vocoder by itself."""
    wave: Tensor = vocoder(made, length=clip.shape[1])
    return wave


@torch.no_grad()
def picture(evaluation: Evaluation, store: ClipStore, pipeline: Pipeline) -> Figure:
    """A training clip of each genre, and what becomes of it by the model with `pghi-refined` and the run's vocoder."""
    genres = pipeline.config.genres
    first = {
        genre: store.shifted_waves(numbers[:1], np.zeros(1, dtype=np.int64))
        for genre, numbers in evaluation.judge.training.items()
    }
    refined: Vocoder = installed().make("vocoder", "pghi-refined", {}, spec=pipeline.vocoder.spec)
    vocoders = {"pghi-refined": refined, pipeline.config.vocoder.plugin: pipeline.vocoder}
    shown = {"the clip": first} | {
        name: brought(pipeline, first, partial(found, vocoder)) for name, vocoder in vocoders.items()
    }
    figure = Figure(figsize=(11, 7), layout="constrained")
    axes = figure.subplots(len(genres), len(shown), sharex=True, sharey=True)
    window = torch.hann_window(SHORT)
    for row, genre in zip(axes, genres, strict=True):
        for axis, (name, sounds) in zip(row, shown.items(), strict=True):
            wave = torch.from_numpy(sounds[genre][0])
            spectrum = torch.stft(wave, SHORT, SHORT_HOP, window=window, return_complex=True).abs() / (SHORT / 4)
            level = 20 * spectrum.clamp_min(1e-6).log10()
            high = store.sample_rate / 2000
            axis.imshow(level, origin="lower", aspect="auto", extent=(0, 1, 0, high), cmap="magma", vmin=-90, vmax=-20)
            axis.set_title(f"{genre}, {name}", fontsize=9)
        row[0].set_ylabel("kHz")
    for axis in axes[-1]:
        axis.set_xlabel("s")
    return figure


def brought(pipeline: Pipeline, clips: dict[str, Waves], way: Way) -> dict[str, Waves]:
    """Clips [N, samples] of each genre through the model's last stage, and to waveforms again."""
    sounds = {}
    for label, genre in enumerate(pipeline.config.genres):
        made = []
        for number, block in enumerate(torch.from_numpy(clips[genre]).split(BATCH)):
            generator = item_generator(0, f"phases {genre}", number)
            features, labels = pipeline.features(block), torch.full((len(block),), label)
            *_, last = pipeline.model.stages(features, labels, generator=generator).values()
            own, magnitudes = (pipeline.for_vocoder(pipeline.spectrogram(each)) for each in (features, last))
            made.append(limited(way(block, own, magnitudes), pipeline.config.sample_rate).numpy())
        sounds[genre] = np.concatenate(made)
    return sounds


if __name__ == "__main__":
    main()
