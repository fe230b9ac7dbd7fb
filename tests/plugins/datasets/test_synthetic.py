"""The synthetic dataset: what it promises about streams, and its sounds against closed forms."""

from __future__ import annotations

import pickle
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genvae import Recording
from genvae.errors import OptionError
from genvae.plugin.options import build
from genvae_plugins.datasets import SyntheticOptions
from genvae_plugins.datasets.synthesis import Sound, drum_sweep, held, noise, ring, saw_table, tone
from genvae_plugins.datasets.synthetic import Note, Song, Synthetic

RATE = 22050


def recordings(**values: Any) -> list[Recording]:
    return list(Synthetic(SyntheticOptions(**values), Path("unused")).recordings())


def render(recording: Recording, block: int = 65536) -> Sound:
    with recording.open() as stream:
        return np.concatenate(list(stream.blocks(block)))


def bands(sound: Sound) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The share of the power below 120 Hz, up to 2 kHz, and above, of a sound [samples, 1]."""
    power = np.abs(np.fft.rfft(sound[:, 0])) ** 2
    edges = [int(f * len(sound) / RATE) for f in (120, 2000)]
    return np.array([part.sum() for part in np.split(power, edges)]) / power.sum()


def test_recordings_have_stable_unique_ids_in_order_and_their_genre() -> None:
    rows = [(r.id, r.genre) for r in recordings(recordings=2)]
    assert rows[:3] == [
        ("techno/synthetic-000", "techno"),
        ("techno/synthetic-001", "techno"),
        ("rock/synthetic-000", "rock"),
    ]
    assert len(set(rows)) == 6
    assert [r.id for r in recordings(recordings=1, genres=("piano", "piano"))] == ["piano/synthetic-000"]


@settings(deadline=None, max_examples=12)
@given(block=st.integers(50, 70000), genre=st.sampled_from(["techno", "rock", "piano"]))
def test_the_sound_is_the_same_whatever_the_blocks(block: int, genre: str) -> None:
    (recording,) = recordings(recordings=1, seconds=5.0, genres=(genre,))
    with recording.open() as stream:
        pieces = list(stream.blocks(block))
    assert all(0 < len(piece) <= block and piece.shape[1] == 1 and piece.dtype == np.float32 for piece in pieces)
    np.testing.assert_array_equal(np.concatenate(pieces), render(recording))


@pytest.mark.parametrize("genre", ["techno", "rock", "piano"])
def test_a_recording_has_its_length_stays_in_range_and_is_never_empty(genre: str) -> None:
    for recording in recordings(recordings=2, seconds=12.3, genres=(genre,)):
        with recording.open() as stream:
            assert (stream.sample_rate, stream.channels, stream.frames) == (RATE, 1, round(12.3 * RATE))
        sound = render(recording)
        assert sound.shape == (round(12.3 * RATE), 1)
        assert np.abs(sound).max() <= 0.95
        seconds = sound[: 12 * RATE, 0].reshape(12, RATE)
        assert (seconds.std(axis=1) > 0.01).all()


def test_a_longer_recording_begins_like_a_shorter_one() -> None:
    (short,) = recordings(recordings=1, seconds=3.0, genres=("rock",))
    (long,) = recordings(recordings=1, seconds=7.0, genres=("rock",))
    np.testing.assert_array_equal(render(long)[: 3 * RATE], render(short))


def test_songs_differ_by_number_and_seed_and_repeat_for_the_same() -> None:
    first, second = recordings(recordings=2, seconds=4.0, genres=("techno",))
    (other,) = recordings(recordings=1, seconds=4.0, genres=("techno",), seed=1)
    sound = render(first)
    np.testing.assert_array_equal(render(pickle.loads(pickle.dumps(first))), sound)
    assert np.abs(render(second) - sound).max() > 0.1
    assert np.abs(render(other) - sound).max() > 0.1
    assert other.fingerprint != first.fingerprint
    assert recordings(recordings=1, seconds=5.0)[0].fingerprint != first.fingerprint


def test_bars_do_not_repeat_each_other() -> None:
    (recording,) = recordings(recordings=1, seconds=40.0, genres=("piano",))
    seconds = render(recording)[:, 0].reshape(40, RATE)
    spectra = np.abs(np.fft.rfft(seconds, axis=1))
    spectra /= np.linalg.norm(spectra, axis=1, keepdims=True)
    similarity = spectra @ spectra.T - np.eye(40)
    assert similarity.max() < 0.999


def test_the_genres_differ_in_their_spectra() -> None:
    share = {}
    for genre in ("techno", "rock", "piano"):
        share[genre] = np.array([bands(render(r)) for r in recordings(seconds=15.0, genres=(genre,))])  # [4, 3]
    assert share["techno"][:, 0].min() > share["rock"][:, 0].max() > share["piano"][:, 0].min()
    assert share["rock"][:, 2].min() > share["techno"][:, 2].max() > share["piano"][:, 2].min()


def test_a_recording_of_hours_streams_in_little_memory() -> None:
    (recording,) = recordings(recordings=1, seconds=4 * 3600.0, genres=("techno",))
    tracemalloc.start()
    try:
        with recording.open() as stream:
            for _, block in zip(range(600), stream.blocks(4096), strict=False):
                assert len(block)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30e6  # the whole is 1.3 GB


def test_what_rings_beyond_a_bar_goes_on_unbroken() -> None:
    sound = np.sin(np.arange(5 * RATE) / 40).astype(np.float32)

    class OneNote(Song):
        def bar(self, number: int, rng: np.random.Generator) -> Iterator[Note]:
            if number == 1:
                yield 2.0, 0.5, sound

    song = OneNote((0,), RATE)
    bars = [bar for _, bar in zip(range(9), song.play(), strict=False)]
    start = round(4 * song.beat) + int(2 * song.beat)
    expected = np.zeros(sum(map(len, bars)), np.float32)
    expected[start : start + len(sound)] = 0.95 * np.tanh(0.5 * sound)
    np.testing.assert_allclose(np.concatenate(bars), expected, atol=1e-6)


def test_bars_keep_time_however_many() -> None:
    class Silence(Song):
        def bar(self, number: int, rng: np.random.Generator) -> Iterator[Note]:
            yield from ()

    song = Silence((3,), RATE)
    length = sum(len(bar) for _, bar in zip(range(500), song.play(), strict=False))
    assert abs(length - 500 * 4 * song.beat) <= 0.5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"genres": ("tekno",)}, "'tekno'.*'techno'"),
        ({"seconds": -1.0}, "seconds"),
        ({"sample_rate": 0}, "sample_rate"),
        ({"recordings": -1}, "recordings"),
    ],
)
def test_options_that_make_no_music_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        recordings(**vars(build(SyntheticOptions, values, where="dataset")))


@pytest.mark.parametrize("rate", [8000, 48000])
def test_other_sample_rates_are_served(rate: int) -> None:
    for recording in recordings(recordings=1, seconds=3.0, sample_rate=rate):
        sound = render(recording)
        assert len(sound) == 3 * rate
        assert np.isfinite(sound).all()
        assert sound.std() > 0.02


def test_ringing_partials_are_damped_sines() -> None:
    time = np.arange(int(0.7 * RATE)) / RATE
    expected = 0.5 * np.sin(2 * np.pi * 440 * time) * np.exp(-time / 0.3) + 0.2 * np.sin(2 * np.pi * 1000 * time)
    np.testing.assert_allclose(ring([440, 1000], [0.5, 0.2], [0.3, 1e9], 0.7, RATE), expected, atol=1e-5)


def test_a_tone_sounds_at_its_pitch_and_a_saw_falls_off_with_its_harmonics() -> None:
    table = saw_table(50, 1e6, 1, RATE)
    spectrum = np.abs(np.fft.rfft(table))
    np.testing.assert_allclose(spectrum[1:20] / spectrum[1], 1 / np.arange(1, 20), rtol=1e-3)
    played = np.abs(np.fft.rfft(tone(table, 100.0, 1.0, 1e9, RATE)))
    assert played.argmax() == 100


def test_noise_lies_in_its_band_and_a_skin_at_its_frequency() -> None:
    spectrum = np.abs(np.fft.rfft(noise(np.random.default_rng(0), 2000, 4000, 1e9, RATE, seconds=1.0))) ** 2
    assert spectrum[1500:5000].sum() > 0.6 * spectrum.sum()
    assert spectrum[:500].sum() < 0.01 * spectrum.sum()
    assert np.abs(np.fft.rfft(drum_sweep(60, 0, 1.0, RATE))).argmax() * RATE / (4 * RATE) == pytest.approx(60, abs=1)


def test_a_held_sound_is_let_go_smoothly_and_left_as_it_was() -> None:
    sound = np.ones(1000, np.float32)
    short = held(sound, 100, 50)
    assert len(short) == 150
    assert (short[:100] == 1).all()
    assert short[-1] == 0
    assert np.abs(np.diff(short)).max() < 0.03
    assert (sound == 1).all()
    assert (held(sound, 5000, 50) == 1).all()


def test_a_recording_says_the_tempo_that_its_song_has() -> None:
    for recording in Synthetic(SyntheticOptions(recordings=2), Path("any")).recordings():
        song = recording.open()._song()
        assert recording.attributes is not None
        assert recording.attributes["tempo"] == pytest.approx(60 * song.rate / song.beat)
