"""The complex transform: its inverse is exact, and a waveform comes back from it."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transform_sounds import RATE, make, music, noise

from genvae import FeatureSpec
from genvae_plugins.transforms.spectrum import spectrum

FORMS = ["real-imaginary", "magnitude-phase"]


def wanted(wave: torch.Tensor) -> torch.Tensor:
    values = torch.stft(wave, 1024, 256, window=torch.hann_window(1024), pad_mode="constant", return_complex=True)
    return torch.cat([values.real, values.imag], dim=1)


@pytest.mark.parametrize("representation", FORMS)
@pytest.mark.parametrize("scaling", ["standard", "unit"])
def test_the_inverse_gives_the_parts_of_the_spectrum_back(representation: str, scaling: str) -> None:
    transform = make("complex", representation=representation, scaling=scaling)
    waves = torch.cat([music(), noise(1, RATE), torch.zeros(1, RATE)])
    for _ in range(2):
        parts = transform.invert(transform(waves))
        assert parts.shape == (4, 1026, 87)
        assert (parts - wanted(waves)).abs().max() < 3e-6 * wanted(waves).abs().max()
        transform.fit([waves])


@pytest.mark.parametrize("representation", FORMS)
def test_a_waveform_comes_back(representation: str) -> None:
    transform = make("complex", representation=representation)
    waves = music()
    real, imaginary = transform.invert(transform(waves)).chunk(2, dim=1)
    padded = torch.istft(torch.complex(real, imaginary), 1024, 256, window=torch.hann_window(1024), length=RATE)
    torch.testing.assert_close(padded, waves, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("representation", FORMS)
def test_the_spec_is_what_the_vocoder_istft_takes(representation: str) -> None:
    assert make("complex", representation=representation, n_fft=512, hop=128).spec == FeatureSpec(
        kind="complex", bins=2 * 257, sample_rate=RATE, n_fft=512, hop=128, window="hann", scale="linear"
    )


@pytest.mark.parametrize("scaling", ["standard", "unit"])
def test_phases_are_features_of_about_unit_scale(scaling: str) -> None:
    transform = make("complex", representation="magnitude-phase", scaling=scaling)
    waves = music()
    transform.fit([waves])
    phases = transform(waves)[:, 513:]
    least = 0 if scaling == "unit" else -1
    assert phases.min() >= least
    assert phases.max() <= 1
    turns = spectrum(waves, torch.hann_window(1024), 256).angle() / math.pi
    torch.testing.assert_close(phases, (turns + 1) / 2 if scaling == "unit" else turns)


def test_a_phase_that_a_model_decodes_beyond_a_turn_goes_round() -> None:
    transform = make("complex", representation="magnitude-phase")
    features = transform(music())
    further = features.clone()
    further[:, 513:] += 2
    torch.testing.assert_close(transform.invert(further), transform.invert(features), atol=1e-3, rtol=1e-3)


@settings(deadline=None, max_examples=20)
@given(samples=st.integers(1, 100_000), representation=st.sampled_from(FORMS))
def test_the_inverse_is_exact_at_any_length(samples: int, representation: str) -> None:
    transform = make("complex", representation=representation)
    wave = noise(1, samples, seed=samples)
    torch.testing.assert_close(transform.invert(transform(wave)), wanted(wave), atol=3e-4, rtol=1e-4)


def test_gradients_of_the_phases_are_finite_at_silence() -> None:
    wave = torch.zeros(1, 2000, requires_grad=True)
    make("complex", representation="magnitude-phase")(wave).sum().backward()
    assert wave.grad is not None
    assert wave.grad.isfinite().all()
