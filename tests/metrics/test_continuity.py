from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from genvae.clips.store import ClipStore
from genvae.metrics.continuity import continuity, excerpts, patchworks

RATE = 22_050
TIMES = np.arange(8 * RATE) / RATE


def chord(*pitches: float) -> NDArray[np.float64]:
    return 0.1 * sum((np.sin(2 * np.pi * pitch * TIMES) for pitch in pitches), np.zeros(len(TIMES)))


def beaten(period: float) -> NDArray[np.float64]:
    return np.random.default_rng(0).standard_normal(len(TIMES)) * np.exp(-20 * (TIMES % period)) * 0.3


def one(wave: NDArray[np.float64]) -> NDArray[np.float32]:
    return wave[None].astype(np.float32)


def test_a_steady_beat_is_found_and_held() -> None:
    steady = continuity(one(beaten(0.4)), RATE)
    changed = continuity(one(np.where(TIMES < 4, beaten(0.4), beaten(0.53))), RATE)
    none = continuity(one(0.1 * np.random.default_rng(0).standard_normal(len(TIMES))), RATE)
    assert steady.beat > 0.6 > 0.3 > none.beat
    assert steady.beat_held == pytest.approx(1, abs=0.15)
    assert changed.beat_held < 0.5


def test_a_key_that_changes_is_not_held() -> None:
    held = continuity(one(chord(261.6, 329.6, 392.0)), RATE)
    lost = continuity(one(np.where(TIMES % 2 < 1, chord(261.6, 329.6, 392.0), chord(277.2, 370.0, 466.2))), RATE)
    assert held.key > 0.95
    assert lost.key < 0.5


def test_a_fade_is_a_drift_of_level() -> None:
    faded = continuity(one(chord(440) * 10 ** (-TIMES / 20)), RATE)
    assert faded.drift == pytest.approx(4, abs=0.1)  # one dB a second, over four
    assert continuity(one(chord(440)), RATE).drift < 0.05


def test_pieces_put_together_have_seams() -> None:
    pitches = np.random.default_rng(0).uniform(200, 2000, 16)
    pieces = np.concatenate([np.sin(2 * np.pi * pitch * np.arange(RATE // 2) / RATE) for pitch in pitches])
    assert continuity(one(0.1 * pieces), RATE).seams > 2
    assert abs(continuity(one(chord(440)), RATE).seams) < 0.1


def test_a_patchwork_holds_the_same_samples_in_another_order() -> None:
    waves = np.random.default_rng(0).standard_normal((3, 4 * RATE)).astype(np.float32)
    made = patchworks(waves, RATE, np.random.default_rng(0))
    assert not np.array_equal(made, waves[:, : made.shape[1]])
    assert sorted(made.ravel()[:: RATE // 2].tolist()) == sorted(waves.ravel()[:: RATE // 2].tolist())


def test_excerpts_are_uncut(tone_store: Path) -> None:
    store = ClipStore.open(tone_store)
    numbers = {genre: store.select(genre=genre) for genre in store.genres}
    made = excerpts(store, numbers, 2.0, 3)
    assert {own.shape for own in made.values()} == {(3, 2 * store.sample_rate)}
    sound = made["low"][0]
    joins = np.abs(np.diff(sound))[store.clip_samples - 1 :: store.clip_samples]
    assert joins.max() <= np.abs(np.diff(sound)).max()  # a tone goes on across the clips' ends
    assert np.abs(np.diff(sound, n=2))[store.clip_samples - 2 :: store.clip_samples].max() < 0.4
    assert excerpts(store, numbers, 60.0, 3) == {}
