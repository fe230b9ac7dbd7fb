"""Holds what clips are compared with: a store's held-out recordings, half of them at a time, by several members."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from genvae.clips.store import ClipStore
from genvae.errors import StoreError
from genvae.interfaces.dataset import Split
from genvae.metrics.comparison import Ear, Estimate, Pair, Rating, default_members
from genvae.metrics.embedder import Embedder, Points, Waves
from genvae.metrics.halves import Mask, Recordings, alternating, crossed
from genvae.metrics.plugins import points_of
from genvae.metrics.sampling import Numbers, choose
from genvae.metrics.threads import one_core

CLIPS = 120
"""Clips of a genre that are compared."""
_MODELLED = 600  # training clips of a genre that spaces, classifiers and baselines are fitted to
_FEWEST = 4
_BLOCK = 48

Reference = Literal["other recordings", "same recordings"]


@dataclass(frozen=True)
class Embeddings:
    """Clips as every member hears them.

    Attributes:
        points: by member and genre, [N, D].
        recordings: of each genre the recordings that the clips come from, [N]; None where they come from none.
        held_out: whether the clips are the judge's held-out ones, or made of these one by one.
    """

    points: Mapping[str, Mapping[str, Points]]
    recordings: Mapping[str, Recordings] | None = None
    held_out: bool = False


class Judge:
    """Compares clips with those of a store's validation recordings.

    Half of these recordings are the reference, the other half are what any set of real clips of other recordings would
    score; every number is the mean over several such halves. Clips that are made of the held-out ones are compared
    with a reference that does not hold their own recording.

    Args:
        store: with validation recordings of every genre.
        genres: those to compare.
        members: what hears the clips; by default the two that genvae ships.
        clips: of each genre in a row; fewer if the store has fewer.
        reference: "same recordings" makes the reference of every other held-out clip, so that who plays is the same
            and only what was done to the clips is heard.

    Raises:
        StoreError: a genre is missing, or has too few validation clips.

    Attributes:
        clips: how many clips of each genre are compared.
        held_out: numbers of the validation clips in the store, [2 * clips] of each genre.
        training: numbers of training clips, [clips] of each genre.
        modelled: numbers of the training clips that spaces, classifiers and baselines are fitted to.
    """

    def __init__(
        self,
        store: ClipStore,
        genres: Sequence[str] | None = None,
        *,
        members: Sequence[Embedder] = (),
        clips: int = CLIPS,
        reference: Reference = "other recordings",
    ) -> None:
        self.store, self.members = store, tuple(members) or default_members()
        self.genres = tuple(genres or store.genres)
        held_out = {genre: _numbers(store, "validation", genre) for genre in self.genres}
        trained = {genre: _numbers(store, "train", genre) for genre in self.genres}
        self.clips = min(clips, *(len(own) // 2 for own in held_out.values()), *map(len, trained.values()))
        few = min(held_out, key=lambda genre: len(held_out[genre]))
        if self.clips * 2 < _FEWEST:
            raise StoreError(
                f"The store {store.path} has {len(held_out[few])} validation clips of {few!r}, too few to "
                "compare with. Prepare it with more recordings or a larger `validation` share."
            )
        self.held_out = {genre: choose(store, own, 2 * self.clips) for genre, own in held_out.items()}
        self.training = {genre: choose(store, own, self.clips) for genre, own in trained.items()}
        self.modelled = {genre: choose(store, own, _MODELLED) for genre, own in trained.items()}
        halves = crossed if reference == "other recordings" else alternating
        self._references = {genre: halves(self.recordings(own)) for genre, own in self.held_out.items()}

    def recordings(self, numbers: Numbers) -> Recordings:
        """The recordings of clips [N], as the store numbers them, which is in the order of their names."""
        recordings: Recordings = self.store.index["recording"][numbers].astype(np.int64)
        return recordings

    def hear(
        self, waves: Mapping[str, Waves], recordings: Mapping[str, Recordings] | None = None, *, held_out: bool = False
    ) -> Embeddings:
        """Waveforms [N, samples] of each genre, at the store's rate, as every member hears them; see `Embeddings`."""
        points = {m.name: {genre: self.embed(m, own) for genre, own in waves.items()} for m in self.members}
        if held_out:
            recordings = {genre: self.recordings(own) for genre, own in self.held_out.items()}
        return Embeddings(points, recordings, held_out)

    def rate(self, waves: Mapping[str, Waves]) -> Rating:
        """Compare clips of each genre, [N, samples] at the store's rate, with the references."""
        return self.rate_embeddings(self.hear(waves))

    def rate_embeddings(self, embeddings: Embeddings) -> Rating:
        """As `rate`, of what was heard already."""
        with one_core(), ThreadPoolExecutor(os.cpu_count() or 1) as workers:
            names = [member.name for member in self.members]
            return dict(zip(names, workers.map(lambda name: self._estimate(name, embeddings), names), strict=True))

    @cached_property
    def real(self) -> Embeddings:
        """The held-out clips."""
        return self.hear({genre: self.store.waves(own) for genre, own in self.held_out.items()}, held_out=True)

    @cached_property
    def ears(self) -> Mapping[str, Ear]:
        """By member, what its points mean; learnt from training clips, evenly over recordings."""
        embeddings = self.hear({genre: self.store.waves(own) for genre, own in self.modelled.items()})
        return {m.name: Ear(embeddings.points[m.name], standardised=m.has_units) for m in self.members}

    def embed(self, member: Embedder, waves: Waves) -> Points:
        """Waveforms [N, samples] at the store's rate -> a member's points [N, D]; on every core."""
        blocks = [waves[start : start + _BLOCK] for start in range(0, len(waves), _BLOCK)]
        with one_core(), ThreadPoolExecutor(os.cpu_count() or 1) as workers:
            rate = self.store.sample_rate
            return np.concatenate(list(workers.map(lambda block: points_of(member, block, rate), blocks)))

    def _estimate(self, name: str, embeddings: Embeddings) -> Estimate:
        real = self.real
        pairs: dict[str, list[Pair]] = {}
        for genre in self.genres:
            own, theirs = real.points[name][genre], embeddings.points[name][genre]
            whose = self.recordings(self.held_out[genre])
            origins = None if embeddings.recordings is None else embeddings.recordings[genre]
            pairs[genre] = []
            for half in self._references[genre]:
                chosen = ~half if embeddings.held_out else _spread(len(theirs), int((~half).sum()))
                of = None if origins is None else origins[chosen]
                pairs[genre].append((own[half], theirs[chosen], whose[half], of))
        return self.ears[name].estimate(pairs)


def _spread(available: int, count: int) -> Mask:
    """Which of so many clips to take, [available], to have as many as there are in the other half of the real ones."""
    mask = np.zeros(available, bool)
    mask[np.linspace(0, available - 1, min(available, count)).round().astype(np.int64)] = True
    return mask


def _numbers(store: ClipStore, split: Split, genre: str) -> Numbers:
    both: Numbers = np.intersect1d(store.select(split=split), store.select(genre=genre))
    return both
