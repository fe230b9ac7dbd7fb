"""Measures a run beside real clips and baselines, a row for each kind of clips."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeVar

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from genvae.clips.store import ClipStore
from genvae.errors import StoreError
from genvae.metrics.baselines import PrincipalComponents, copy_synthesis, silence, white_noise
from genvae.metrics.candidates import Chooser
from genvae.metrics.comparison import RESAMPLES, Estimate
from genvae.metrics.embedder import Embedder, Points, Waves
from genvae.metrics.judge import CLIPS, Judge
from genvae.metrics.novelty import Nearness, Novelty, novelty
from genvae.metrics.sampling import Numbers, shifted
from genvae.metrics.signal import Signal, describe, multi_resolution_stft
from genvae.metrics.training_clips import TrainingClips
from genvae.pipeline import Pipeline
from genvae.plugin.registry import Registry
from genvae.run import Run
from genvae.synthesis.sound import Clip, Reconstruction
from genvae.synthesis.synthesizer import Synthesizer, item_generator
from genvae.training.monitor import active_units

T = TypeVar("T")
Sets = dict[str, Waves]
"""Waveforms [N, samples] of each genre."""


@dataclass(frozen=True)
class Row:
    """One kind of clips. signal: of each genre. novelty: of those for which it says something."""

    name: str
    estimate: Estimate
    signal: Mapping[str, Signal]
    novelty: Novelty | None


@dataclass(frozen=True)
class Reconstructions:
    """How far a run's reconstructions of unseen clips are from these: means over clips, with their standard errors.

    log_spectral: log-spectral distance in dB. multi_resolution: see `multi_resolution_stft`.
    """

    log_spectral: tuple[float, float]
    multi_resolution: tuple[float, float]


class Evaluation:
    """Everything that is measured of a run; `sources` are the rows, each made when it is asked for.

    Args:
        run: a finished run. registry: where its plugins come from.
        store: real clips at the run's rate and length, of all its genres; the one that it was trained on.
        generated: clips to measure in place of new ones of the run, [N, samples] of each genre.
        baseline: a run to compare with, such as `reference-vae` trained with the same budget.
        candidates: adds a row of new clips each of which the run's critic chose among so many.
        clips: of each genre; fewer where the store has fewer.
        seed: of the clips that are made, and of all that is drawn to measure them.
        resamples: draws for the standard errors.

    Raises:
        StoreError: the store doesn't fit the run. RunError: a run is unfinished or damaged. GenvaeError: candidates are
            asked for, but the run has no critic, or one of another embedder.
    """

    def __init__(
        self, run: Run, registry: Registry, store: ClipStore, *, generated: Sets | None = None,
        baseline: Run | None = None, candidates: int = 1, embedder: Embedder | None = None, clips: int = CLIPS,
        seed: int = 0, resamples: int = RESAMPLES,
    ) -> None:  # fmt: skip
        _require_fit(run, store)
        self.genres = run.config.genres
        self.seed = seed
        self._registry, self._store, self._resamples = registry, store, resamples
        if generated is not None:
            clips = min(clips, *(len(own) for own in generated.values()))
        self.judge = Judge(store, self.genres, embedder=embedder, clips=clips)
        self._samples = store.clip_samples
        self._synthesizer = Synthesizer(run, registry)
        self._pipeline: Pipeline = run.load(registry)
        named = {
            "real, unseen recordings": lambda: self._stored(self.judge.unseen),
            "real, training recordings": self._replayed,
            "generated": lambda: generated or self._generated(self._synthesizer),
            "reconstructed unseen": self._reconstructed,
            "copy synthesis of unseen": self._copied,
            "PCA-128, Gaussian a genre": self._principal,
            "silence": lambda: dict.fromkeys(self.genres, silence(self.judge.clips, self._samples)),
            "white noise": self._noise,
        }
        self.sources: dict[str, Callable[[], Sets]] = named
        self._novel = {"real, unseen recordings", "real, training recordings", "generated"}
        if candidates > 1:
            chooser = Chooser.of(run, self._synthesizer)
            name = f"generated, best of {candidates}"
            self.sources[name] = lambda: self._chosen(chooser, candidates)
            self._novel.add(name)
        if baseline is not None:
            other = Synthesizer(baseline, registry)
            if (other.genres, other.sample_rate, other.clip_samples) != (
                self.genres, self._synthesizer.sample_rate, self._samples,
            ):  # fmt: skip
                raise StoreError(f"The baseline {baseline.path} has other genres, another rate or another clip length.")
            name = f"baseline, {baseline.config.model.plugin}"
            self.sources[name] = lambda: self._generated(other)
            self._novel.add(name)

    def row(self, name: str) -> Row:
        """Make and measure the clips of a row."""
        with one_thread():
            sets = {genre: own[: self.judge.clips] for genre, own in self.sources[name]().items()}
            points = self.judge.points(sets)
            estimate = self.judge.rate_points(points, resamples=self._resamples, seed=self.seed)
        signal = {genre: describe(own, self._store.sample_rate) for genre, own in sets.items()}
        found = novelty(self._nearness(sets, points), self._unseen_nearness) if name in self._novel else None
        return Row(name, estimate, signal, found)

    @cached_property
    def active_units(self) -> tuple[int, int]:
        """Latent dimensions whose posterior mean varies over unseen clips, and how many there are."""
        means = []
        with torch.no_grad():
            for label, genre in enumerate(self.genres):
                numbers = np.concatenate([self.judge.reference[genre], self.judge.unseen[genre]])
                for block in np.array_split(numbers, len(numbers) // 32 + 1):
                    features = self._pipeline.transform(torch.from_numpy(self._store.waves(block)))
                    means.append(self._pipeline.model.encode(features, torch.full((len(block),), label)).mean)
        found = torch.cat(means)
        return active_units(found), found.shape[1]

    @cached_property
    def _training_clips(self) -> TrainingClips:
        numbers = [np.intersect1d(self._store.select(split="train"), self._store.select(genre=g)) for g in self.genres]
        with one_thread():
            return TrainingClips(self._store, np.concatenate(numbers), self.judge.embedder)

    @cached_property
    def _unseen_nearness(self) -> dict[str, Nearness]:
        sets = self._stored(self.judge.unseen)
        return self._nearness(sets, self.judge.points(sets))

    def _nearness(self, sets: Sets, points: Mapping[str, Points]) -> dict[str, Nearness]:
        return {genre: self._training_clips.nearness(own, points[genre]) for genre, own in sets.items()}

    def _replayed(self) -> Sets:
        generator = np.random.default_rng(self.seed)
        return {genre: shifted(self._store, own, generator) for genre, own in self.judge.training.items()}

    def _stored(self, numbers: Mapping[str, Numbers]) -> Sets:
        return {genre: self._store.waves(own) for genre, own in numbers.items()}

    def _generated(self, synthesizer: Synthesizer) -> Sets:
        made = {}
        for genre in self.genres:
            clips = _side_by_side(partial(self._generate, synthesizer, genre), self.judge.clips)
            made[genre] = np.stack([clip.wave.numpy() for clip in clips])
        return made

    def _chosen(self, chooser: Chooser, candidates: int) -> Sets:
        made = {}
        for genre in self.genres:
            choose = partial(self._choose, chooser, genre, candidates)
            made[genre] = np.stack([clip.wave.numpy() for clip in _side_by_side(choose, self.judge.clips)])
        return made

    def _reconstructed(self) -> Sets:
        return self._reconstruction[0]

    @property
    def reconstructions(self) -> Reconstructions:
        """How near the run comes to unseen clips that it is given."""
        return self._reconstruction[1]

    @cached_property
    def _reconstruction(self) -> tuple[Sets, Reconstructions]:
        made, log_spectral, resolved = {}, [], []
        for genre, waves in self._stored(self.judge.unseen).items():
            originals = torch.from_numpy(waves)
            results = _side_by_side(partial(self._reconstruct, originals, genre), len(waves))
            log_spectral += [result.distance for result in results]
            resolved += [multi_resolution_stft(o, r.wave) for o, r in zip(originals, results, strict=True)]
            made[genre] = np.stack([result.wave.numpy() for result in results])
        return made, Reconstructions(_mean(log_spectral), _mean(resolved))

    def _generate(self, synthesizer: Synthesizer, genre: str, index: int) -> Clip:
        return synthesizer.generate(genre, seed=self.seed, index=index)

    def _choose(self, chooser: Chooser, genre: str, candidates: int, index: int) -> Clip:
        return chooser.generate(genre, candidates, seed=self.seed, index=index)

    def _reconstruct(self, originals: Tensor, genre: str, index: int) -> Reconstruction:
        return self._synthesizer.reconstruct(originals[index], genre)

    def _copied(self) -> Sets:
        return {genre: copy_synthesis(self._pipeline, own, self._generator("copy", genre))
                for genre, own in self._stored(self.judge.unseen).items()}  # fmt: skip

    def _principal(self) -> Sets:
        components = PrincipalComponents(self._pipeline, self._stored(self.judge.modelled))
        count, samples = self.judge.clips, self._samples
        return {genre: components.generate(genre, count, samples=samples, generator=self._generator("PCA", genre))
                for genre in self.genres}  # fmt: skip

    def _noise(self) -> Sets:
        return {genre: white_noise(self.judge.clips, self._samples, self._generator("noise", genre))
                for genre in self.genres}  # fmt: skip

    def _generator(self, what: str, genre: str) -> torch.Generator:
        return item_generator(self.seed, f"{what} {genre}", 0)


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread; what is worth it runs clip beside clip instead.

    Matrices are small here, and threads that wait for each other at every one of them are slow on a busy machine.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def _side_by_side(make: Callable[[int], T], count: int) -> list[T]:
    """What `make` gives for 0 to count - 1, in that order, on every core."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as workers:
        return list(workers.map(make, range(count)))


def _mean(values: list[float]) -> tuple[float, float]:
    """The mean and its standard error."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / len(values) ** 0.5)


def _require_fit(run: Run, store: ClipStore) -> None:
    """Check that the store's clips are like the run's.

    Raises:
        StoreError: naming what differs.
    """
    config = run.config
    if (store.sample_rate, store.clip_samples) != (config.sample_rate, config.clip_samples):
        milliseconds = round(1000 * config.clip_samples / config.sample_rate)
        raise StoreError(
            f"The store {store.path} has clips of {store.clip_samples} samples at {store.sample_rate} Hz, the run "
            f"{run.path} of {config.clip_samples} at {config.sample_rate} Hz. Prepare one with: genvae prepare SOURCE "
            f"--out STORE --sample-rate {config.sample_rate} --clip-ms {milliseconds}"
        )
    missing = [genre for genre in config.genres if genre not in store.genres]
    if missing:
        raise StoreError(f"The store {store.path} has no {missing[0]!r}, which the run knows: name the store that it "
                         "was trained on.")  # fmt: skip
