from __future__ import annotations

import numpy as np
import pytest
import torch

from genvae.metrics.signal import describe, multi_resolution_stft

RATE = 22_050


def sine(hertz: float, peak: float) -> np.ndarray:
    return (peak * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)).astype(np.float32)


def test_a_sine_has_the_level_crest_and_centroid_that_it_must_have() -> None:
    found = describe(sine(1000, 0.5)[None], RATE)
    assert found.level == pytest.approx(20 * np.log10(0.5) - 3.01, abs=0.02)
    assert found.crest == pytest.approx(3.01, abs=0.02)
    assert found.centroid == pytest.approx(1000, abs=10)
    assert found.rolloff == pytest.approx(1000, abs=30)
    assert found.flatness < -40


def test_white_noise_is_flat_up_to_half_the_rate() -> None:
    found = describe(np.random.default_rng(0).normal(0, 0.1, (4, RATE)).astype(np.float32), RATE)
    assert found.level == pytest.approx(-20, abs=0.2)
    assert found.centroid == pytest.approx(RATE / 4, rel=0.02)
    assert found.rolloff == pytest.approx(0.85 * RATE / 2, rel=0.02)
    assert -0.5 < found.flatness < 0


def test_a_steady_sound_has_less_flux_than_a_pulsed_one() -> None:
    steady = sine(440, 0.5)
    pulsed = steady * (np.arange(RATE) // 2205 % 2)
    assert describe(steady[None], RATE).flux < 0.2 * describe(pulsed[None], RATE).flux


def test_silence_is_described_with_finite_numbers() -> None:
    assert np.isfinite(list(vars(describe(np.zeros((2, RATE), np.float32), RATE)).values())).all()


def test_the_stft_distance_is_zero_for_the_same_and_blind_to_sign() -> None:
    wave = torch.from_numpy(sine(440, 0.5))
    assert multi_resolution_stft(wave, wave) == 0
    assert multi_resolution_stft(wave, -wave) == pytest.approx(0, abs=1e-5)


def test_half_the_level_is_half_the_convergence_and_the_logarithm_of_two() -> None:
    wave = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32))
    assert multi_resolution_stft(wave, 0.5 * wave) == pytest.approx(0.5 + np.log(2), rel=0.01)
