"""Holds what a store's clips are compared with: its unseen recordings, its training clips and a classifier of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from genvae.clips.store import ClipStore
from genvae.errors import StoreError
from genvae.interfaces.dataset import Split
from genvae.metrics.comparison import RESAMPLES, Estimate, compare_points
from genvae.metrics.embedder import Embedder, Points, Waves, default_embedder
from genvae.metrics.genres import GenreClassifier
from genvae.metrics.sampling import Numbers, choose

CLIPS = 120
"""Clips of a genre that are compared."""
_MODELLED = 600  # training clips of a genre that a classifier or a baseline is fitted to
_FEWEST = 4


class Judge:
    """Compares clips with those of a store's validation recordings.

    Half of the chosen validation clips of each recording are the reference; the other half, which alternate with
    them in time, are the row of real unseen clips that any model may be measured by.

    Args:
        store: with validation recordings of every genre.
        genres: those to compare.
        embedder: by default the one that genvae ships.
        clips: of each genre; fewer if the store has fewer.

    Raises:
        StoreError: a genre is missing, or has too few validation clips.

    Attributes:
        clips: how many clips of each genre are compared.
        reference, unseen, training: numbers of clips in the store, [clips] of each genre: those that others are
            compared with, other ones of the same recordings, and some that a model was trained on.
        modelled: numbers of the training clips that the classifier and baselines are fitted to.
    """

    def __init__(
        self, store: ClipStore, genres: Sequence[str] | None = None, *, embedder: Embedder | None = None,
        clips: int = CLIPS,
    ) -> None:  # fmt: skip
        self.store, self.embedder = store, embedder or default_embedder()
        self.genres = tuple(genres or store.genres)
        held_out = {genre: _numbers(store, "validation", genre) for genre in self.genres}
        trained = {genre: _numbers(store, "train", genre) for genre in self.genres}
        self.clips = min(clips, *(len(own) // 2 for own in held_out.values()), *map(len, trained.values()))
        few = min(held_out, key=lambda genre: len(held_out[genre]))
        if self.clips * 2 < _FEWEST:
            raise StoreError(f"The store {store.path} has {len(held_out[few])} validation clips of {few!r}, too few to "
                             "compare with. Prepare it with more recordings or a larger --validation.")  # fmt: skip
        both = {genre: choose(store, own, 2 * self.clips) for genre, own in held_out.items()}
        self.reference = {genre: own[0::2] for genre, own in both.items()}
        self.unseen = {genre: own[1::2] for genre, own in both.items()}
        self.training = {genre: choose(store, own, self.clips) for genre, own in trained.items()}
        self.modelled = {genre: choose(store, own, _MODELLED) for genre, own in trained.items()}

    @cached_property
    def reference_points(self) -> dict[str, Points]:
        """The reference as points, [clips, D] of each genre."""
        return self.points({genre: self.store.waves(own) for genre, own in self.reference.items()})

    @cached_property
    def classifier(self) -> GenreClassifier:
        """Fitted to training clips, evenly over recordings."""
        return GenreClassifier.fit({genre: self.embed(self.store.waves(own)) for genre, own in self.modelled.items()})

    def embed(self, waves: Waves) -> Points:
        """Waveforms [N, samples] at the store's rate -> points [N, D]."""
        return self.embedder.embed_at(waves, self.store.sample_rate)

    def points(self, waves: Mapping[str, Waves]) -> dict[str, Points]:
        """Waveforms [N, samples] of each genre, at the store's rate -> points [N, D]."""
        return {genre: self.embed(own) for genre, own in waves.items()}

    def rate(self, waves: Mapping[str, Waves], *, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
        """Compare clips of each genre, [clips, samples] at the store's rate, with the reference."""
        return self.rate_points(self.points(waves), resamples=resamples, seed=seed)

    def rate_points(self, points: Mapping[str, Points], *, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
        """As `rate`, of points [clips, D] of each genre."""
        return compare_points(self.reference_points, points, self.classifier, resamples=resamples, seed=seed)


def _numbers(store: ClipStore, split: Split, genre: str) -> Numbers:
    both: Numbers = np.intersect1d(store.select(split=split), store.select(genre=genre))
    return both
