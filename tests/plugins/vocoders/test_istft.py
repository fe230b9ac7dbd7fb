"""The istft vocoder: exact on spectra of a sound, least squares on others."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from vocoder_sounds import SPEC, make, music, spec_of, spectrum

from genvae import FeatureSpec
from genvae.errors import SpecMismatch


def complex_spec(spec: FeatureSpec = SPEC) -> FeatureSpec:
    return dataclasses.replace(spec, kind="complex", scale="linear", bins=2 * spec.bins)


def features(wave: torch.Tensor, spec: FeatureSpec = SPEC) -> torch.Tensor:
    both = spectrum(wave, spec)
    return torch.cat([both.real, both.imag], 1)


@settings(max_examples=60, deadline=None)
@given(
    half=st.integers(2, 60),
    hop_part=st.floats(0.05, 0.6),
    samples=st.integers(1, 700),
    window=st.sampled_from(["hann", "hamming", "blackman"]),
)
def test_a_sound_comes_back(half: int, hop_part: float, samples: int, window: str) -> None:
    spec = spec_of(2 * half, max(1, round(hop_part * half)), window)
    wave = 0.1 * torch.randn(2, samples, generator=torch.Generator().manual_seed(samples))
    vocoder = make("istft", complex_spec(spec))
    back = vocoder(features(wave, spec), length=samples)
    # What lies behind the last frame's middle by a good part of a window is not in the frames.
    seen = min(samples, (spec.frames(samples) - 1) * spec.hop + half // 2)
    torch.testing.assert_close(back[:, :seen], wave[:, :seen], atol=1e-4, rtol=0)


def test_other_spectra_give_what_torch_gives() -> None:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(2, 1026, 21, generator=generator)
    noise[:, [513, 1025]] = 0  # imaginary parts that no real signal has
    wave = make("istft", complex_spec())(noise)
    expected = torch.istft(torch.complex(noise[:, :513], noise[:, 513:]), 1024, 256, window=torch.hann_window(1024))
    torch.testing.assert_close(wave[:, :5120], expected, atol=1e-5, rtol=0)


def test_gradients_pass() -> None:
    found = features(music(3000)).requires_grad_()
    make("istft", complex_spec())(found).square().sum().backward()
    assert found.grad is not None
    assert bool(found.grad.isfinite().all())
    assert float(found.grad.abs().sum()) > 0


@pytest.mark.parametrize("length", [1, 255, 4096, 4097, 9000])
def test_the_length_is_what_was_asked_for(length: int) -> None:
    assert make("istft", complex_spec())(features(music(4096)), length=length).shape == (1, length)


@pytest.mark.parametrize(
    ("field", "value"), [("kind", "magnitude"), ("scale", "log"), ("bins", 513), ("window", "kaiser")]
)
def test_features_that_it_cannot_serve_are_refused_by_field(field: str, value: Any) -> None:
    with pytest.raises(SpecMismatch, match=f"istft .*{field}"):
        make("istft", dataclasses.replace(complex_spec(), **{field: value}))
