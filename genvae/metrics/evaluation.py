"""Measures a run beside real clips and baselines, a row for each kind of clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import torch

from genvae.clips.store import ClipStore
from genvae.distances import log_spectral_distance
from genvae.errors import Cure, StoreError
from genvae.interfaces.dataset import Split
from genvae.metrics.baselines import PrincipalComponents, white_noise
from genvae.metrics.candidates import Chooser
from genvae.metrics.comparison import Rating
from genvae.metrics.continuity import Continuity, continuity, excerpts, patchworks
from genvae.metrics.embedder import Embedder, Waves
from genvae.metrics.halves import Recordings
from genvae.metrics.judge import CLIPS, Embeddings, Judge, Reference
from genvae.metrics.novelty import Nearness, Novelty, novelty
from genvae.metrics.plugins import Metrics, embedders
from genvae.metrics.sampling import Numbers
from genvae.metrics.signal import Signal, describe, multi_resolution_stft
from genvae.metrics.stages import POSTERIOR, Stages, generated, rounded
from genvae.metrics.statistics import SignalStatistics
from genvae.metrics.threads import one_core, side_by_side
from genvae.metrics.training_clips import TrainingClips
from genvae.metrics.two_sample import Difference, telling
from genvae.metrics.worst import Oddity, worst
from genvae.pipeline import Pipeline
from genvae.plugin.registry import Registry
from genvae.progress import Listener, ignore
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer, item_generator
from genvae.training.monitor import active_units

Sets = dict[str, Waves]
"""Waveforms [N, samples] of each genre."""

TRIED = 4
"""Unseen clips that each embedder is tried with before anything is measured."""
LONG_SOUNDS = 16
"""Sounds of some seconds that are measured of each genre."""
REAL, TRAINING, GENERATED = "real, unseen recordings", "real, training recordings", "generated"


@dataclass(frozen=True)
class Assessment:
    """One kind of clips.

    Attributes:
        name: of the row.
        rating: what each member says.
        telling: of each genre the statistics by which the clips are told from real ones; none without that member.
        signal: of each genre.
        novelty: of those for which it says something.
        metrics: by the names of the metrics that are installed, means over genres.
    """

    name: str
    rating: Rating
    telling: Mapping[str, Sequence[Difference]]
    signal: Mapping[str, Signal]
    novelty: Novelty | None
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reconstructions:
    """How far unseen clips, from latents drawn from their posteriors, are from these: means and their standard errors.

    Attributes:
        log_spectral: log-spectral distance (LSD) in dB.
        multi_resolution: see `multi_resolution_stft`.
    """

    log_spectral: tuple[float, float]
    multi_resolution: tuple[float, float]


class Evaluation:
    """Everything that is measured of a run; `sources` are the rows, each made when it is asked for.

    Args:
        run: a finished run.
        registry: where its plugins come from.
        store: real clips at the run's rate and length, of all its genres; the one that it was trained on.
        generated: clips to measure in place of new ones of the run, [N, samples] of each genre.
        baseline: a run to compare with, such as `reference-vae` trained with the same budget.
        candidates: adds a row of new clips each of which the run's critic chose among so many.
        members: what hears the clips; by default all embedders that are installed.
        clips: of each genre; fewer where the store has fewer.
        seed: of the clips that are made, and of all that is drawn to measure them.
        reference: see `Judge`.
        listener: hears of plugins that are left out.

    Raises:
        StoreError: the store doesn't fit the run.
        RunError: a run is unfinished or damaged.
        GenvaeError: candidates are asked for, but the run has no critic, or one of another embedder.
    """

    def __init__(
        self,
        run: Run,
        registry: Registry,
        store: ClipStore,
        *,
        generated: Sets | None = None,
        baseline: Run | None = None,
        candidates: int = 1,
        members: Sequence[Embedder] = (),
        clips: int = CLIPS,
        seed: int = 0,
        reference: Reference = "other recordings",
        listener: Listener = ignore,
    ) -> None:
        _require_fit(run, store)
        self.genres, self.seed = run.config.genres, seed
        self._store, self._samples = store, store.clip_samples
        if generated is not None:
            clips = min(clips, *(len(own) for own in generated.values()))
        tried = store.waves(store.select(split="validation")[:TRIED])
        members = tuple(members) or embedders(registry, tried, store.sample_rate, listener)
        self.judge = Judge(store, self.genres, members=members, clips=clips, reference=reference)
        self.metrics = Metrics(registry, listener)
        self._synthesizer = Synthesizer(run, registry)
        self._pipeline: Pipeline = run.load(registry)
        self._pipeline.eval()
        self._stages = Stages(self._pipeline, seed)
        self._sets: dict[str, Sets] = {}
        self._novel = {REAL, TRAINING, GENERATED}
        self._made_of_unseen = {REAL}
        self.sources: dict[str, Callable[[], Sets]] = {REAL: lambda: self._unseen}
        for stage in self._stages.names:
            name = f"unseen, {stage}"
            self.sources[name] = partial(self._brought, name, stage, self._unseen_of)
            self._made_of_unseen.add(name)
        self.sources[TRAINING] = lambda: self._replayed
        for stage in self._stages.names[max(1, len(self._stages.names) - 2) :]:
            self.sources[f"training, {stage}"] = partial(self._brought, f"training, {stage}", stage, self._replayed_of)
        self._user_clips = generated
        self.sources[GENERATED] = self._product
        if candidates > 1:
            self._add_candidates(run, candidates)
        if baseline is not None:
            self._add_baseline(baseline, registry)
        self.sources["PCA-128, Gaussian a genre"] = self._principal
        self.sources["white noise"] = self._noise

    def add(self, name: str, clips: Callable[[], Sets]) -> None:
        """Add a row of new clips, [N, samples] of each genre, whose novelty is measured too."""
        self.sources[name] = clips
        self._novel.add(name)

    def row(self, name: str) -> Assessment:
        """Make and measure the clips of a row."""
        sets = rounded(self.sources[name]())
        embeddings = self._embeddings(name, sets)
        rating = self.judge.rate_embeddings(embeddings)
        signal = {genre: describe(own, self._store.sample_rate) for genre, own in sets.items()}
        row_novelty = novelty(self._nearness(sets), self._unseen_nearness) if name in self._novel else None
        return Assessment(name, rating, self._telling(embeddings), signal, row_novelty, self._measured(name, sets))

    def _measured(self, row: str, sets: Sets) -> dict[str, float]:
        """What each metric says, beside half of the unseen clips; of rows that are made of these, the other half."""
        step = slice(1, None, 2) if row in self._made_of_unseen else slice(None)
        pairs = [(clips[step], self._unseen[genre][::2]) for genre, clips in sets.items()]
        said = {name: self.metrics.measure(name, pairs, self._store.sample_rate) for name in list(self.metrics.used)}
        return {name: value for name, value in said.items() if value is not None}

    def hear(self, name: str) -> Embeddings:
        """Make the clips of a row and let every member hear them, such as for a judge with another reference."""
        return self._embeddings(name, rounded(self.sources[name]()))

    def continuities(self, seconds: float) -> dict[str, dict[str, Continuity]]:
        """How sounds of so many seconds hold together, by row and genre: real ones, shuffled ones, and new ones.

        Raises:
            StoreError: no unseen recording is that long.
            GenvaeError: the run can't make a sound of that length.
        """
        rate = self._store.sample_rate
        numbers = {genre: self._numbers("validation", genre) for genre in self.genres}
        real = excerpts(self._store, numbers, seconds, LONG_SOUNDS)
        missing = [genre for genre in self.genres if genre not in real]
        if missing:
            where = f"The store {self._store.path}"
            raise StoreError(f"{where} has no unseen recording of {missing[0]!r} that lasts {seconds:g} s.")
        shuffled = {g: patchworks(own, rate, np.random.default_rng(self.seed)) for g, own in real.items()}
        with one_core():
            new_sounds = {g: generated(self._synthesizer, g, LONG_SOUNDS, self.seed, seconds) for g in self.genres}
        rows = {"real, unseen recordings": real, "the same, cut and shuffled": shuffled, GENERATED: new_sounds}
        return {name: {g: continuity(own, rate) for g, own in sets.items()} for name, sets in rows.items()}

    def worst(self, count: int) -> tuple[list[Oddity], Sets]:
        """The generated clips that are farthest from real ones, `count` of each genre, and all that were generated."""
        clips = rounded(self.sources[GENERATED]())
        return worst(self.judge, clips, count), clips

    @cached_property
    def active_units(self) -> tuple[int, int]:
        """Latent dimensions whose posterior mean varies over unseen clips, and how many there are."""
        means = []
        with torch.no_grad():
            for label, genre in enumerate(self.genres):
                for block in np.array_split(self._unseen[genre], self.judge.clips // 16 + 1):
                    features = self._pipeline.transform(torch.from_numpy(block))
                    means.append(self._pipeline.model.encode(features, torch.full((len(block),), label)).mean)
        all_means = torch.cat(means)
        return active_units(all_means), all_means.shape[1]

    @cached_property
    def reconstructions(self) -> Reconstructions:
        """How near the run comes to unseen clips that it is given."""
        decoded = self.sources[f"unseen, {POSTERIOR}"]()
        log_spectral: list[float] = []
        resolved: list[float] = []
        for genre, waves in self._unseen.items():
            for original, other in zip(
                torch.from_numpy(waves[::2]), torch.from_numpy(decoded[genre][::2]), strict=True
            ):
                log_spectral.append(log_spectral_distance(original, other))
                resolved.append(multi_resolution_stft(original, other))
        return Reconstructions(_mean(log_spectral), _mean(resolved))

    def _embeddings(self, name: str, sets: Sets) -> Embeddings:
        if name in self._made_of_unseen:
            return self.judge.hear(sets, held_out=True)
        origins: dict[str, Recordings] | None = None
        if name.startswith("training") or name == TRAINING:
            origins = {genre: self.judge.recordings(own) for genre, own in self.judge.training.items()}
        return self.judge.hear(sets, origins)

    def _telling(self, embeddings: Embeddings) -> dict[str, list[Difference]]:
        for member in self.judge.members:
            if isinstance(member, SignalStatistics):
                real = self.judge.real.points[member.name]
                return {
                    genre: telling(real[genre], own, member.statistics)
                    for genre, own in embeddings.points[member.name].items()
                }
        return {}

    @cached_property
    def _unseen(self) -> Sets:
        return {genre: self._store.waves(own) for genre, own in self.judge.held_out.items()}

    @cached_property
    def _replayed(self) -> Sets:
        generator = np.random.default_rng(self.seed)
        return {
            genre: self._store.shifted_waves(own, generator.integers(self._samples, size=len(own)))
            for genre, own in self.judge.training.items()
        }

    def _brought(self, name: str, stage: str, clips: Callable[[str], Waves]) -> Sets:
        if name not in self._sets:
            self._sets[name] = {genre: self._stages.through(stage, clips(genre), genre) for genre in self.genres}
        return self._sets[name]

    def _unseen_of(self, genre: str) -> Waves:
        return self._unseen[genre]

    def _replayed_of(self, genre: str) -> Waves:
        return self._replayed[genre]

    def _product(self) -> Sets:
        if GENERATED not in self._sets:
            self._sets[GENERATED] = self._user_clips or self._generated(self._synthesizer)
        return self._sets[GENERATED]

    def _generated(self, synthesizer: Synthesizer) -> Sets:
        with one_core():
            return {genre: generated(synthesizer, genre, self.judge.clips, self.seed) for genre in self.genres}

    def _add_candidates(self, run: Run, candidates: int) -> None:
        chooser = Chooser.of(run, self._synthesizer)

        def chosen(genre: str) -> Waves:
            choose = partial(chooser.generate, genre, candidates, seed=self.seed)
            clips = side_by_side(lambda index: choose(index=index), self.judge.clips)
            return np.stack([clip.wave.numpy() for clip in clips])

        self.add(f"generated, best of {candidates}", lambda: {genre: chosen(genre) for genre in self.genres})

    def _add_baseline(self, baseline: Run, registry: Registry) -> None:
        other = Synthesizer(baseline, registry)
        if (other.genres, other.sample_rate, other.clip_samples) != (
            self.genres,
            self._synthesizer.sample_rate,
            self._samples,
        ):
            raise StoreError(f"The baseline {baseline.path} has other genres, another rate or another clip length.")
        self.add(f"baseline, {baseline.config.model.plugin}", lambda: self._generated(other))

    def _principal(self) -> Sets:
        modelled = {genre: self._store.waves(own) for genre, own in self.judge.modelled.items()}
        components = PrincipalComponents(self._pipeline, modelled)
        count, samples = self.judge.clips, self._samples
        return {
            genre: components.generate(genre, count, samples=samples, generator=self._generator("PCA", genre))
            for genre in self.genres
        }

    def _noise(self) -> Sets:
        return {
            genre: white_noise(self.judge.clips, self._samples, self._generator("noise", genre))
            for genre in self.genres
        }

    def _generator(self, what: str, genre: str) -> torch.Generator:
        return item_generator(self.seed, f"{what} {genre}", 0)

    def _numbers(self, split: Split, genre: str) -> Numbers:
        both: Numbers = np.intersect1d(self._store.select(split=split), self._store.select(genre=genre))
        return both

    @cached_property
    def _training_clips(self) -> TrainingClips:
        numbers = [self._numbers("train", genre) for genre in self.genres]
        with one_core():
            return TrainingClips(self._store, np.concatenate(numbers), self.judge.members[-1])

    @cached_property
    def _unseen_nearness(self) -> dict[str, Nearness]:
        return self._nearness(self._unseen)

    def _nearness(self, sets: Sets) -> dict[str, Nearness]:
        member = self.judge.members[-1]
        return {genre: self._training_clips.nearness(own, self.judge.embed(member, own)) for genre, own in sets.items()}


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
            f"{run.path} of {config.clip_samples} at {config.sample_rate} Hz.",
            cure=Cure.of(
                "prepare", sources="MUSIC", store="STORE", sample_rate=config.sample_rate, clip_ms=milliseconds
            ),
        )
    missing = [genre for genre in config.genres if genre not in store.genres]
    if missing:
        raise StoreError(
            f"The store {store.path} has no {missing[0]!r}, which the run knows: name the store that it was trained on."
        )
