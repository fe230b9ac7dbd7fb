"""Training clips that begin anywhere in their recording are still the recording's own sound."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from genvae.cli import main
from genvae.clips.store import ClipStore
from genvae.training.data import Batches

RATE, CLIP = 8000, 2000


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A recording of seven and a half clips of noise, with a silent one in the middle, and another of one clip."""
    root = tmp_path_factory.mktemp("shift")
    (root / "music" / "noise").mkdir(parents=True)
    generator = np.random.default_rng(0)
    wave = 0.2 * generator.standard_normal(15 * CLIP // 2)
    wave[3 * CLIP : 4 * CLIP] = 0
    soundfile.write(root / "music" / "noise" / "long.wav", wave, RATE)
    soundfile.write(root / "music" / "noise" / "short.wav", 0.2 * generator.standard_normal(CLIP), RATE)
    arguments = ["prepare", root / "music", "--out", root / "store", "--sample-rate", RATE, "--clip-ms", 250]
    result = CliRunner().invoke(main, [*map(str, arguments), "--workers", "1", "--validation", "0"])
    assert result.exit_code == 0, result.output
    recording, _ = soundfile.read(root / "music" / "noise" / "long.wav", dtype="float32")
    return ClipStore.open(root / "store"), recording


def places(store, recording, shift, steps=40):
    """Where in the long recording each clip of some steps begins, by the number of the clip that was asked for."""
    batches = Batches(store, store.select(split="train"), batch_size=8, seed=3, shift=shift)
    padded = np.pad(recording, (0, CLIP))
    windows = np.lib.stride_tricks.sliding_window_view(padded, CLIP)
    found = []
    for step in range(steps):
        for number, wave in zip(batches.numbers_at(step), batches.at(step)[0].numpy(), strict=True):
            if store.recordings[store.index["recording"][number]].clips > 1:
                [place] = np.flatnonzero(np.abs(windows[:, :50] - wave[:50]).max(1) < 1e-6)
                np.testing.assert_array_equal(windows[place], wave)
                found.append((int(store.index["offset"][number]), int(place)))
    return found


def test_shifted_clips_are_windows_of_the_recording_from_their_own_beginning_on(store):
    found = places(*store, shift=True)
    assert all(offset <= place < offset + CLIP for offset, place in found)
    assert len({place - offset for offset, place in found}) > 30


def test_a_clip_before_silence_and_a_last_one_stay_where_they_are(store):
    alone = {2 * CLIP, 7 * CLIP}
    found = places(*store, shift=True)
    assert {offset for offset, _ in found} >= alone
    assert all(place == offset for offset, place in found if offset in alone)


def test_without_shifting_clips_are_those_of_the_store(store):
    assert all(place == offset for offset, place in places(*store, shift=False, steps=3))


def test_the_same_step_is_shifted_alike_however_training_got_there(store):
    clips, _ = store
    first, second = (Batches(clips, clips.select(split="train"), batch_size=4, seed=1, shift=True) for _ in range(2))
    for _ in range(3):
        first.at(0)
    assert (first.at(5)[0] == second.at(5)[0]).all()
    assert not (first.at(0)[0] == second.at(1)[0]).all()
