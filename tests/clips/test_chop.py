"""Chopping against closed forms: exact samples, pure tones, and where NaN stands."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genvae.clips.chop import Chopper
from genvae.errors import AudioError


class Given:
    """A sound stream over an array, in blocks of odd sizes."""

    def __init__(self, wave: np.ndarray, rate: int, *, block: int = 1000, fails: bool = False) -> None:
        self.wave = wave.astype(np.float32).reshape(len(wave), wave.shape[1] if wave.ndim > 1 else 1)
        self.sample_rate, self.channels, self.frames = rate, self.wave.shape[1], len(wave)
        self.block, self.fails = block, fails

    def blocks(self, frames: int) -> Iterator[np.ndarray]:
        step = min(self.block, frames)
        for first in range(0, len(self.wave), step):
            yield self.wave[first : first + step]
        if self.fails:
            raise AudioError("broken here")


def chop(stream: Given, rate: int, clip: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, Chopper]:
    chopper = Chopper(stream, sample_rate=rate, clip_samples=clip)
    parts = list(chopper)
    empty = np.zeros((0, clip), np.int16)
    samples = np.concatenate([empty, *(p.samples for p in parts)])
    finite = np.concatenate([np.zeros(0, bool), *(p.finite for p in parts)])
    clipped = np.concatenate([np.zeros(0, bool), *(p.clipped for p in parts)])
    assert [p.number for p in parts] == list(np.cumsum([0, *(len(p.samples) for p in parts)])[:-1])
    return samples, finite, clipped, chopper


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 5000), st.integers(1, 700), st.integers(1, 900), st.integers(0, 9))
def test_sixteen_bits_at_the_same_rate_are_kept_exactly_and_padded_with_zeros(length, clip, block, seed):
    pcm = np.random.default_rng(seed).integers(-32768, 32768, length).astype(np.int16)
    samples, finite, clipped, chopper = chop(Given(pcm / 32768, 22050, block=block), 22050, clip)
    assert samples.shape == (-(-length // clip), clip)
    np.testing.assert_array_equal(samples.reshape(-1)[:length], pcm)
    assert not samples.reshape(-1)[length:].any()
    assert finite.all()
    assert not clipped.any()
    assert chopper.mono.frames == length


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000, 44101])
def test_a_pure_tone_stays_pure_and_in_place_at_another_rate(rate):
    seconds, target = 3, 22050
    wave = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate * seconds) / rate)
    samples, *_ = chop(Given(wave, rate), target, 7350)
    sound = samples.reshape(-1) / 32768
    assert abs(len(sound) - seconds * target) <= 7350
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(seconds * target) / target)
    middle = slice(target // 2, -target // 2)
    assert np.abs(sound[: seconds * target] - expected)[middle].max() < 1e-3


def test_what_lies_above_half_the_rate_is_taken_out():
    wave = 0.5 * np.sin(2 * np.pi * 15000 * np.arange(96000) / 48000)
    samples, *_ = chop(Given(wave, 48000), 22050, 22050)
    assert np.abs(samples[0, 500:-500]).max() < 33  # -60 dB


def test_channels_are_averaged():
    wave = np.random.default_rng(0).uniform(-0.5, 0.5, (4000, 3))
    samples, *_ = chop(Given(wave, 8000), 8000, 1000)
    np.testing.assert_allclose(samples.reshape(-1) / 32768, wave.mean(axis=1), atol=1 / 32768)


def test_over_full_scale_saturates_and_is_counted():
    samples, finite, clipped, _ = chop(Given(np.repeat([0.5, 1.0, 1.5, -1e30, 0.25], 100), 8000), 8000, 100)
    assert samples[:, 50].tolist() == [16384, 32767, 32767, -32768, 8192]
    assert clipped.tolist() == [False, False, True, True, False]
    assert finite.all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rate", [8000, 44100])
def test_nan_and_infinity_refuse_their_clips_and_leave_no_trace_in_others(bad, rate):
    wave = 0.5 * np.sin(2 * np.pi * 300 * np.arange(rate * 10) / rate)
    clean, *_ = chop(Given(wave, rate), 8000, 8000)
    wave[rate * 4 + rate // 2] = bad
    wave[rate * 7 : rate * 7 + 3] = bad  # at the edge of a clip: the resampler carries it into the one before
    samples, finite, _, _ = chop(Given(wave, rate), 8000, 8000)
    expected = [True, True, True, True, False, True, True, False, True, True]
    expected[6] = rate == 8000
    assert finite.tolist() == expected
    np.testing.assert_array_equal(samples[finite], clean[finite])


def test_an_error_keeps_what_came_before_it():
    samples, _, _, chopper = chop(Given(np.full(2500, 0.25), 8000, fails=True), 8000, 1000)
    assert samples.shape == (3, 1000)
    assert str(chopper.mono.error) == "broken here"
    assert chopper.mono.frames == 2500


@pytest.mark.parametrize("rate", [8000, 12000])
def test_blocks_do_not_change_the_result(rate):
    wave = np.random.default_rng(1).uniform(-0.9, 0.9, 30000)
    one, *_ = (
        chop(Given(wave, rate, block=1), 8000, 999) if rate == 8000 else chop(Given(wave, rate, block=7), 8000, 999)
    )
    other, *_ = chop(Given(wave, rate, block=30000), 8000, 999)
    np.testing.assert_array_equal(one, other)
