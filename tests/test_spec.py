"""FeatureSpec: the arithmetic of frames, and the words of a refusal."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genvae import FeatureSpec
from genvae.errors import SpecMismatch

SPEC = FeatureSpec(kind="magnitude", bins=513, sample_rate=22050, n_fft=1024, hop=256, window="hann", scale="log")


@given(samples=st.integers(0, 10**7), hop=st.integers(1, 4096))
def test_frames_are_the_multiples_of_the_hop_that_lie_in_the_waveform(samples: int, hop: int) -> None:
    spec = dataclasses.replace(SPEC, hop=hop)
    frames = spec.frames(samples)
    assert (frames - 1) * hop <= samples < frames * hop


@given(frames=st.integers(1, 10**5), hop=st.integers(1, 4096))
def test_samples_are_the_least_that_give_the_frames(frames: int, hop: int) -> None:
    spec = dataclasses.replace(SPEC, hop=hop)
    samples = spec.samples(frames)
    assert spec.frames(samples) == frames
    assert samples == 0 or spec.frames(samples - 1) == frames - 1


def test_require_names_who_refuses_the_field_and_both_values() -> None:
    SPEC.require("mine", kind="magnitude", scale=("log", "linear"))
    with pytest.raises(SpecMismatch, match=r"^mine needs features with kind = 'mel' or 'cqt', .* gives 'magnitude'\.$"):
        SPEC.require("mine", scale="log", kind=("mel", "cqt"))


def test_differences_are_the_fields_that_differ() -> None:
    other = dataclasses.replace(SPEC, hop=128, f_min=30.0)
    assert SPEC.differences(other) == {"hop": (256, 128), "f_min": (None, 30.0)}
    assert SPEC.differences(SPEC) == {}


def test_json_holds_all_of_it() -> None:
    assert FeatureSpec(**json.loads(json.dumps(SPEC.to_json()))) == SPEC
