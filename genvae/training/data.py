"""Batches of training clips; what stands in which step follows from the seed alone, so resuming needs no state."""

from __future__ import annotations

import time
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

    What a step has is the same for any number of processes: each takes its part of one batch, in the batch's order.

    A store of fewer clips than a batch gives batches of what there is; the last clips of an epoch that fill no batch
    wait for another epoch.

    With `shift`, a clip whose successor in its recording is there too begins anywhere between the two, drawn anew in
    every epoch: a recording holds many more clips than the store's, and no model can learn those by heart.

    Attributes:
        batch_size: clips in a step, over all processes.
        steps_per_epoch: steps in which each clip is used once.
        waited: seconds in which `from_step` had nothing to give.
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
        self._epoch, self._order = -1, numbers
        self.waited = 0.0

    def numbers_at(self, step: int) -> NDArray[np.int64]:
        """The clips of this process in a step, counted from 0 over all epochs."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._order = np.random.default_rng((self.seed, epoch)).permutation(self.numbers)
            self._epoch = epoch
        return self._mine(self._order[within * self.batch_size : (within + 1) * self.batch_size])

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """The batch of this process in a step: (waves [B, samples] in ±1, genres [B])."""
        numbers = self.numbers_at(step)
        if not self.shift:
            return load(self.store, numbers)
        drawn = np.random.default_rng((self.seed, step, 0)).integers(0, self.store.clip_samples, self.batch_size)
        shifts = self._mine(drawn)
        return torch.from_numpy(self.store.shifted_waves(numbers, shifts)), genres_of(self.store, numbers)

    def _mine(self, batch: NDArray[np.int64]) -> NDArray[np.int64]:
        """What of a batch's values is this process'."""
        mine: NDArray[np.int64] = np.array_split(batch, self.world)[self.rank]
        return mine

    def from_step(self, step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (waves [B, samples] in ±1, genres [B]) from a step on, without end; the next batch is read ahead."""
        with ThreadPoolExecutor(1, thread_name_prefix="genvae-batches") as reader:
            ahead = reader.submit(self.at, step)
            while True:
                step += 1
                ready, ahead = ahead, reader.submit(self.at, step)
                began = time.monotonic()
                batch = ready.result()
                self.waited += time.monotonic() - began
                yield batch
