"""The waveform transform and the vocoder that goes with it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transform_sounds import make, noise

from genvae.errors import SpecMismatch
from genvae.plugin.declarations import NoOptions
from genvae_plugins.vocoders.identity import Identity


@given(samples=st.integers(1, 3000), length=st.integers(1, 3000))
def test_samples_go_through_untouched(samples: int, length: int) -> None:
    transform = make("waveform")
    wave = noise(2, samples)
    features = transform(wave)
    assert features.shape == (2, 1, samples)
    assert transform.spec.frames(samples) == transform.spec.samples(samples) == samples
    vocoder = Identity(NoOptions(), spec=transform.spec)
    assert torch.equal(vocoder(transform.invert(features)), wave)
    cut = vocoder(transform.invert(features), length=length)
    assert cut.shape == (2, length)
    assert torch.equal(cut[:, :samples], wave[:, :length])
    assert (cut[:, samples:] == 0).all()


@pytest.mark.parametrize("name", ["stft", "mel", "cqt", "complex"])
def test_the_vocoder_refuses_spectrograms(name: str) -> None:
    with pytest.raises(SpecMismatch, match="identity needs features with kind = 'waveform'"):
        Identity(NoOptions(), spec=make(name).spec)
