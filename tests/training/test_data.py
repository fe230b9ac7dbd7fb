from itertools import islice

import numpy as np
import pytest
import torch

from genvae.clips.batches import in_order, spread
from genvae.clips.store import ClipStore
from genvae.training.data import Batches


@pytest.fixture
def store(tone_store):
    return ClipStore.open(tone_store)


def test_an_epoch_holds_each_clip_once_and_epochs_differ(store):
    numbers = store.select(split="train")
    batches = Batches(store, numbers, batch_size=7, seed=3)
    epochs = [
        [batches.numbers_at(e * batches.steps_per_epoch + s) for s in range(batches.steps_per_epoch)] for e in (0, 1)
    ]
    for epoch in epochs:
        flat = np.concatenate(epoch)
        assert len(np.unique(flat)) == len(flat) == len(numbers) // 7 * 7
        assert np.isin(flat, numbers).all()
    assert not np.array_equal(np.concatenate(epochs[0]), np.concatenate(epochs[1]))


def test_steps_asked_for_in_any_order_are_the_same(store):
    numbers = store.select(split="train")
    batches = Batches(store, numbers, batch_size=7, seed=3)
    steps = [0, batches.steps_per_epoch, 1, 2 * batches.steps_per_epoch + 1, 0]
    for step in steps:
        fresh = Batches(store, numbers, batch_size=7, seed=3)
        np.testing.assert_array_equal(batches.numbers_at(step), fresh.numbers_at(step))


def test_processes_share_a_batch_out_among_themselves(store):
    numbers = store.select(split="train")
    whole = Batches(store, numbers, batch_size=8, seed=1).numbers_at(5)
    shares = [Batches(store, numbers, batch_size=8, seed=1, rank=r, world=3).numbers_at(5) for r in range(3)]
    assert sorted(np.concatenate(shares)) == sorted(whole)


def test_starting_at_a_step_gives_what_that_step_gave(store):
    batches = Batches(store, store.select(split="train"), batch_size=4, seed=1)
    waves, genres, _ = list(islice(batches.from_step(0), 4))[3]
    again, same_genres, _ = next(batches.from_step(3))
    assert torch.equal(waves, again)
    assert torch.equal(genres, same_genres)


def test_a_store_smaller_than_a_batch_still_gives_batches(store):
    batches = Batches(store, store.select(split="train")[:3], batch_size=64, seed=1)
    waves, genres, _ = next(batches.from_step(10))
    assert waves.shape == (3, store.clip_samples)
    assert genres.dtype == torch.int64


def test_some_of_many_clips_are_spread_over_all_of_them():
    numbers = np.arange(100, 100_100)
    some = spread(numbers, 1000)
    assert len(some) == 1000
    assert np.diff(some).min() == np.diff(some).max() == 100
    assert spread(numbers, 99_999)[-1] == 100_098
    assert spread(numbers, 100_000) is numbers
    assert len(np.unique(spread(np.arange(7), 5))) == 5


def test_in_order_reads_every_clip_once_with_its_genre(store):
    numbers = store.select()
    waves, genres = (torch.cat(parts) for parts in zip(*in_order(store, numbers, 5), strict=True))
    np.testing.assert_array_equal(waves.numpy(), store.waves(numbers))
    np.testing.assert_array_equal(genres.numpy(), store.index["genre"])
