"""Batches of training clips; what stands in which step follows from the seed alone, so resuming needs no state."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.clips.batches import genres_of, load
from genvae.clips.store import ClipStore


class Batches:
    """The clips of one split, shuffled anew in every epoch, shared out among processes.

    A store of fewer clips than a batch gives batches of what there is; the last clips of an epoch that fill no batch
    wait for another epoch.

    With `shift`, a clip whose successor in its recording is there too begins anywhere between the two, drawn anew in
    every epoch: a recording holds many more clips than the store's, and no model can learn those by heart.
    """

    def __init__(
        self,
        store: ClipStore,
        numbers: NDArray[np.int64],
        *,
        batch_size: int,
        seed: int,
        shift: bool = False,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.store, self.numbers, self.seed, self.shift = store, numbers, seed, shift
        self.rank, self.world = rank, world
        self.batch_size = min(batch_size, len(numbers))
        self.steps_per_epoch = len(numbers) // self.batch_size
        self._shuffled: tuple[int, NDArray[np.int64]] | None = None  # the last epoch asked for, and its order

    def numbers_at(self, step: int) -> NDArray[np.int64]:
        """The clips of this process in a step, counted from 0 over all epochs."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if self._shuffled is None or self._shuffled[0] != epoch:  # millions of clips are shuffled once, not every step
            self._shuffled = epoch, np.random.default_rng((self.seed, epoch)).permutation(self.numbers)
        batch = self._shuffled[1][within * self.batch_size : (within + 1) * self.batch_size]
        mine: NDArray[np.int64] = batch[self.rank :: self.world]
        return mine

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """The batch of this process in a step: (waves [B, samples] in ±1, genres [B])."""
        numbers = self.numbers_at(step)
        if not self.shift:
            return load(self.store, numbers)
        generator = np.random.default_rng((self.seed, step, self.rank))
        shifts = generator.integers(0, self.store.clip_samples, len(numbers))
        return torch.from_numpy(self.store.shifted_waves(numbers, shifts)), genres_of(self.store, numbers)

    def from_step(self, step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (waves [B, samples] in ±1, genres [B]) from a step on, without end; the next batch is read ahead."""
        with ThreadPoolExecutor(1, thread_name_prefix="genvae-batches") as reader:
            ahead = reader.submit(self.at, step)
            while True:
                step += 1
                ready, ahead = ahead, reader.submit(self.at, step)
                yield ready.result()
