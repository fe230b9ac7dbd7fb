"""Batches of training clips; what stands in which step follows from the seed alone, so resuming needs no state."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.attributes import Attribute
from genvae.clips.batches import attributes_of, genres_of, load
from genvae.clips.estimates import level
from genvae.clips.store import ClipStore

HIDDEN = 0.1
"""How often a training clip's attribute is not told, and how often none of them is, so that a run can do without."""
_HIDING = 1  # sets what is drawn for that apart from the shifts


class Batch(NamedTuple):
    """Some clips.

    Attributes:
        waves: [B, samples] in ±1.
        genres: [B].
        attributes: what the model is told of them, [B, attribute_dim], or None.
    """

    waves: Tensor
    genres: Tensor
    attributes: Tensor | None = None


class Batches:
    """The clips of one split, shuffled anew in every epoch, shared out among processes.

    What a step has is the same for any number of processes: each takes its part of one batch, in the batch's order.

    A store of fewer clips than a batch gives batches of what there is; the last clips of an epoch that fill no batch
    wait for another epoch.

    With `shift`, a clip whose successor in its recording is there too begins anywhere between the two, drawn anew in
    every epoch: a recording holds many more clips than the store's, and no model can learn those by heart. It then has
    the attributes of the one that it shares more with, but its own loudness.

    With `attributes`, each of a clip's is hidden now and then.

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
        attributes: Sequence[Attribute] = (),
    ) -> None:
        self.store, self.numbers, self.seed, self.shift = store, numbers, seed, shift
        self.rank, self.world = rank, world
        self.attributes = attributes
        self.batch_size = min(batch_size, len(numbers))
        self.steps_per_epoch = len(numbers) // self.batch_size
        self._epoch, self._order = -1, numbers  # the last epoch asked for, and its order
        self.waited = 0.0

    def numbers_at(self, step: int) -> NDArray[np.int64]:
        """The clips of this process in a step, counted from 0 over all epochs."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:  # millions of clips are shuffled once, not every step
            self._order = np.random.default_rng((self.seed, epoch)).permutation(self.numbers)
            self._epoch = epoch
        return self._mine(self._order[within * self.batch_size : (within + 1) * self.batch_size])

    def at(self, step: int) -> Batch:
        """The batch of this process in a step."""
        numbers = self.numbers_at(step)
        if not self.shift:
            return Batch(*load(self.store, numbers), self._told(step, numbers, None))
        drawn = np.random.default_rng((self.seed, step, 0)).integers(0, self.store.clip_samples, self.batch_size)
        shifts = self._mine(drawn)
        waves = self.store.shifted_waves(numbers, shifts)
        nearer = self.store.nearer(numbers, shifts)
        return Batch(torch.from_numpy(waves), genres_of(self.store, numbers), self._told(step, nearer, waves))

    def _mine(self, batch: NDArray[Any]) -> NDArray[Any]:
        """What of a batch's values is this process'."""
        return np.array_split(batch, self.world)[self.rank]

    def from_step(self, step: int) -> Iterator[Batch]:
        """Yield batches from a step on, without end; the next one is read ahead."""
        with ThreadPoolExecutor(1, thread_name_prefix="genvae-batches") as reader:
            ahead = reader.submit(self.at, step)
            while True:
                step += 1
                ready, ahead = ahead, reader.submit(self.at, step)
                began = time.monotonic()
                batch = ready.result()
                self.waited += time.monotonic() - began
                yield batch

    def _told(self, step: int, numbers: NDArray[np.int64], waves: NDArray[np.float32] | None) -> Tensor | None:
        """What the model is told of clips [B]; where `waves` are no stored ones, their loudness is measured anew."""
        told = attributes_of(self.store, numbers, self.attributes)
        if told is None:
            return None
        generator = np.random.default_rng((self.seed, step, 0, _HIDING))  # for the clips of all processes
        all_hidden = self._mine(generator.random(self.batch_size) < HIDDEN)
        start = 0
        for each in self.attributes:
            columns = told[:, start : start + each.dim]
            if waves is not None and each.name == "loudness" and self.store.attributes[each.name].estimated:
                columns[:] = torch.from_numpy(each.told(level(waves)))
            hidden = all_hidden | self._mine(generator.random(self.batch_size) < HIDDEN)
            columns[torch.from_numpy(hidden)] = 0.0
            start += each.dim
        return told


def validation_batches(
    store: ClipStore, numbers: NDArray[np.int64], batch_size: int, attributes: Sequence[Attribute]
) -> Iterator[Batch]:
    """Yield every clip of `numbers` once, in that order, with all that is known of it."""
    for start in range(0, len(numbers), batch_size):
        chosen = numbers[start : start + batch_size]
        yield Batch(*load(store, chosen), attributes_of(store, chosen, attributes))
