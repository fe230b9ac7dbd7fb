"""All the clips that a run was trained on, so that one which comes back is found."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from genvae.clips.store import ClipStore
from genvae.metrics.embedder import Embedder, Points, Waves
from genvae.metrics.neighbours import distances
from genvae.metrics.novelty import Nearness, SpectrogramIndex, band_spectrograms
from genvae.metrics.sampling import Numbers, in_time

_BATCH = 256


class TrainingClips:
    """Training clips by embedding and by spectrogram.

    Args:
        store: where they are.
        numbers: which, [N].

    Attributes:
        numbers: the same, by recording and time; what `Matches.number` counts in.
    """

    def __init__(self, store: ClipStore, numbers: Numbers, embedder: Embedder) -> None:
        self._store, self._embedder = store, embedder
        self.numbers = in_time(store, numbers)
        blocks = np.array_split(self.numbers, len(numbers) // _BATCH + 1)
        with ThreadPoolExecutor(os.cpu_count() or 1) as workers:
            descriptions = list(workers.map(self._describe, blocks))
        self._points = np.concatenate([points for points, _ in descriptions])
        self._index = SpectrogramIndex(torch.cat([spectrograms for _, spectrograms in descriptions]))

    def nearness(self, waves: Waves, points: Points) -> Nearness:
        """How near clips come: their waveforms [N, samples] at the store's rate, and their points [N, D]."""
        nearest = distances(points, self._points).min(axis=1)
        return Nearness(nearest, self._index.match(band_spectrograms(waves, self._store.sample_rate)))

    def _describe(self, numbers: Numbers) -> tuple[Points, Tensor]:
        waves, rate = self._store.waves(numbers), self._store.sample_rate
        return self._embedder.embed_at(waves, rate), band_spectrograms(waves, rate)
