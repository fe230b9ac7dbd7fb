"""Collections that are odd rather than damaged: one clip, one recording a genre, a hundred genres, both cases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genvae.clips.prepare import prepare
from genvae.clips.store import ClipStore
from genvae.clips.work import Settings
from genvae_plugins.datasets.folder import Folder

SETTINGS = Settings(sample_rate=8000, clip_ms=100)


def store(root: Path, *names: str, clips: int = 3) -> ClipStore:
    """The store of a recording for each name."""
    for number, name in enumerate(names):
        path = root / "music" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.random.default_rng(number).uniform(-0.5, 0.5, 800 * clips), 8000)
    with ThreadPoolExecutor(1) as executor:
        prepare([Folder(None, root / "music")], root / "store", SETTINGS, executor=executor)
    return ClipStore.open(root / "store")


def test_one_clip_is_a_store_to_train_on(tmp_path: Path) -> None:
    made = store(tmp_path, "rock/a.wav", clips=1)
    assert (len(made), len(made.select(split="train"))) == (1, 1)


def test_one_recording_in_each_genre_is_trained_on(tmp_path: Path) -> None:
    made = store(tmp_path, "rock/a.wav", "piano/a.wav")
    assert len(made.select(split="train")) == len(made) == 6


def test_a_hundred_genres_keep_their_order_and_their_clips(tmp_path: Path) -> None:
    names = [f"genre {number}" for number in range(100)]
    made = store(tmp_path, *(f"{name}/{n}.wav" for name in names for n in range(2)), clips=1)
    assert made.genres == tuple(sorted(names))
    assert all(len(made.select(genre=name, split=split)) == 1 for name in names for split in ("train", "validation"))


def test_genres_that_differ_in_case_are_two(tmp_path: Path) -> None:
    (tmp_path / "music" / "Rock").mkdir(parents=True)
    if (tmp_path / "music" / "rock").exists():
        pytest.skip("this file system does not tell case")
    assert store(tmp_path, "Rock/a.wav", "rock/a.wav", "ROCK/a.wav").genres == ("ROCK", "Rock", "rock")
