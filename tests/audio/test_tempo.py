"""The tempo of sounds whose tempo is known: click tracks, songs of the synthetic dataset; and librosa beside it."""

import librosa
import numpy as np
import pytest

from genvae.audio.tempo import FRAME_RATE, onset_strength, tempo
from genvae_plugins.datasets.synthetic import SyntheticStream

RATE = 22050


def clicks(beats_per_minute: float, seconds: float = 12.0, rate: int = RATE) -> np.ndarray:
    """Bursts of noise at a tempo, over a quiet noise."""
    rng = np.random.default_rng(round(10 * beats_per_minute))
    samples = 0.005 * rng.standard_normal(round(seconds * rate))
    length = round(0.03 * rate)
    burst = 0.5 * rng.standard_normal(length) * np.exp(-np.arange(length) / (0.005 * rate))
    for time in np.arange(0, seconds - 0.05, 60 / beats_per_minute):
        start = round(time * rate)
        samples[start : start + length] += burst
    return samples.astype(np.float32)


@pytest.mark.parametrize("beats_per_minute", [50, 66.6, 80, 100, 121.3, 128, 140, 155])
@pytest.mark.parametrize("rate", [8000, RATE])
def test_a_click_track_has_its_tempo(beats_per_minute, rate):
    found = tempo(onset_strength(clicks(beats_per_minute, rate=rate), rate))
    assert found == pytest.approx(beats_per_minute, rel=0.002)


def test_integers_have_the_tempo_of_the_same_sound():
    wave = clicks(97)
    integers = np.rint(wave * 32768).clip(-32768, 32767).astype(np.int16)
    np.testing.assert_allclose(onset_strength(integers, RATE), onset_strength(wave, RATE), rtol=0, atol=0.5)


def test_a_click_begins_where_it_stands():
    samples = np.zeros(3 * RATE, np.float32)
    samples[2 * RATE : 2 * RATE + 300] = 0.5
    assert np.argmax(onset_strength(samples, RATE)) / FRAME_RATE == pytest.approx(2.0, abs=0.04)


@pytest.mark.parametrize("sound", ["silence", "noise", "tone", "short"])
def test_what_has_no_beat_has_no_tempo(sound):
    rng, times = np.random.default_rng(0), np.arange(12 * RATE) / RATE
    samples = {
        "silence": np.zeros(12 * RATE),
        "noise": 0.1 * rng.standard_normal(12 * RATE),
        "tone": 0.3 * np.sin(2 * np.pi * 440 * times),
        "short": clicks(120, seconds=2),
    }[sound]
    assert np.isnan(tempo(onset_strength(samples.astype(np.float32), RATE)))


@pytest.mark.parametrize("genre", ["rock", "techno", "piano"])
def test_songs_have_their_tempo_or_its_octave(genre):
    """What librosa finds is of the same kind, and no nearer: both are asked of the same seconds."""
    right = {"genvae": 0, "librosa": 0}
    for index in range(6):
        stream = SyntheticStream(genre=genre, index=index, seed=1, seconds=12, sample_rate=RATE)
        wave = np.concatenate(list(stream.blocks(1 << 16)))[:, 0]
        true = 60 * RATE / stream._song().beat
        found = tempo(onset_strength(wave, RATE))
        octave = min((0.5, 1, 2), key=lambda factor: abs(found / true - factor))
        assert found / true == pytest.approx(octave, rel=0.02)
        right["genvae"] += octave == 1
        right["librosa"] += abs(librosa.feature.tempo(y=wave, sr=RATE)[0] / true - 1) < 0.04
    assert right["genvae"] >= max(3, right["librosa"] - 1)
