"""A sound beyond full scale is brought within it where its peaks are, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from genvae.audio.limiter import limited

RATE = 22050
NEAR = 0.011  # s, as far as a peak reaches


def tone(frequency: float, amplitude: float) -> torch.Tensor:
    return amplitude * torch.sin(2 * torch.pi * frequency * torch.arange(RATE) / RATE)


@given(
    arrays.arrays(np.float32, st.integers(1, 400), elements=st.floats(-1e6, 1e6, width=32)),
    st.sampled_from([100, RATE]),
)
def test_nothing_is_beyond_full_scale_louder_than_it_was_or_turned_over(wave: np.ndarray, rate: int) -> None:
    made = limited(torch.from_numpy(wave), rate).numpy()
    assert np.abs(made).max() <= 1.0
    assert (np.abs(made) <= np.abs(wave) * (1 + 1e-6)).all()
    assert (made * wave >= 0).all()


@pytest.mark.parametrize("frequency", [55.0, 440.0, 5000.0])
def test_a_tone_is_turned_down_and_stays_one(frequency: float) -> None:
    loud = limited(tone(frequency, 2.0), RATE)
    inside = slice(RATE // 10, -RATE // 10)
    assert loud[inside].abs().max() == pytest.approx(1.0, abs=0.02)
    torch.testing.assert_close(loud[inside], tone(frequency, 1.0)[inside], atol=0.02, rtol=0)


def test_a_peak_turns_down_what_is_around_it_alone() -> None:
    quiet = tone(300.0, 0.3)
    peak = RATE // 2
    wave = quiet.clone()
    wave[peak] = -4.0
    made = limited(wave, RATE)
    assert made[peak] == pytest.approx(-1.0)
    changed = torch.nonzero(made != quiet)[:, 0]
    assert (changed - peak).abs().max() <= NEAR * RATE


def test_a_sound_within_full_scale_is_given_back_as_it_is() -> None:
    wave = tone(300.0, 1.0)
    assert limited(wave, RATE) is wave
    assert limited(torch.zeros(0), RATE).shape == (0,)


def test_sounds_of_a_batch_are_what_they_are_alone() -> None:
    waves = torch.stack(
        [tone(300.0, 0.3), tone(300.0, 3.0), 2 * torch.randn(RATE, generator=torch.Generator().manual_seed(0))]
    )
    assert torch.equal(limited(waves, RATE), torch.stack([limited(wave, RATE) for wave in waves]))
