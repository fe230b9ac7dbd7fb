"""What every transform promises, whoever computes it."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transform_sounds import LOGARITHMIC, PLUGINS, SCALED, make, music, noise, tone

SMALL: dict[str, dict[str, Any]] = {
    "mel": {"n_fft": 64, "hop": 16, "n_mels": 6},
    "cqt": {"n_fft": 64, "hop": 16, "f_min": 800.0, "bins": 20, "bins_per_octave": 6},
}
SMALL |= {f"{who}-{kind}": SMALL[kind] for who, kind in (("torchaudio", "mel"), ("nnaudio", "mel"), ("nnaudio", "cqt"))}


def small(name: str, **values: Any) -> Any:
    """A transform of short frames, cheap enough to differentiate numerically."""
    if name == "waveform":
        return make(name)
    return make(name, **{**SMALL.get(name, {"n_fft": 64, "hop": 16}), **values})


@pytest.mark.parametrize("name", PLUGINS)
def test_any_length_gives_the_frames_that_the_spec_says(name: str) -> None:
    transform = make(name)

    @settings(deadline=None, max_examples=12)
    @given(samples=st.one_of(st.integers(1, 3000), st.integers(1, 100_000)))
    def check(samples: int) -> None:
        wave = noise(2, samples, seed=samples)
        features = transform(wave)
        assert features.shape == (2, transform.spec.bins, transform.spec.frames(samples))
        assert features.isfinite().all()
        assert transform.invert(features).shape == features.shape
        # What a vocoder makes when it is not told a length fits the frames that it was given.
        assert transform.spec.frames(transform.spec.samples(features.shape[2])) == features.shape[2]

    check()


@pytest.mark.parametrize("name", PLUGINS)
@pytest.mark.parametrize("level", [0.0, 1e-30, 1.0])
def test_silence_and_full_scale_stay_finite_on_the_way_there_and_back(name: str, level: float) -> None:
    transform = make(name)
    for wave in (torch.full((1, 5000), level), level * torch.sign(tone(441.0, 5000)), level * noise(1, 5000).sign()):
        features = transform(wave)
        assert features.isfinite().all()
        assert transform.invert(features).isfinite().all()
        if transform.magnitude_spec:
            assert transform.magnitudes(transform.invert(features)).isfinite().all()


@pytest.mark.parametrize("name", PLUGINS)
def test_a_clip_gives_the_same_alone_and_in_a_batch(name: str) -> None:
    transform = make(name)
    waves = torch.cat([music(8000), noise(2, 8000), torch.zeros(1, 8000)])
    together = transform(waves)
    alone = torch.cat([transform(wave[None]) for wave in waves])
    torch.testing.assert_close(together, alone, atol=3e-3, rtol=1e-4)  # of quiet bins the rounding is heard in the log
    if transform.magnitude_spec:
        values = transform.invert(together)
        each = torch.cat([transform.magnitudes(value[None]) for value in values])
        torch.testing.assert_close(transform.magnitudes(values).exp(), each.exp(), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", PLUGINS)
def test_gradients_are_right_and_finite_at_silence(name: str) -> None:
    transform = small(name).double()
    wave = noise(1, 90).double().requires_grad_()
    assert torch.autograd.gradcheck(transform, (wave,), fast_mode=True)
    silence = torch.zeros(1, 2000, requires_grad=True)
    small(name)(silence).sum().backward()
    assert silence.grad is not None
    assert silence.grad.isfinite().all()


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("scaling", ["standard", "unit"])
def test_fitting_brings_features_to_unit_scale(name: str, scaling: str) -> None:
    transform = small(name, scaling=scaling)
    waves = noise(6, 8000).cumsum(1) * 0.05
    transform.fit(waves.split(2))
    features = transform(waves).double()
    if scaling == "unit":
        assert features.min().item() == pytest.approx(0, abs=1e-5)
        assert features.max().item() == pytest.approx(1, abs=1e-5)
    else:
        bins = transform.spec.bins
        torch.testing.assert_close(features.mean((0, 2)), torch.zeros(bins, dtype=torch.float64), atol=1e-3, rtol=0)
        assert features.square().mean().sqrt().item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("scaling", ["standard", "unit"])
def test_a_state_dict_carries_the_statistics_and_nothing_else(name: str, scaling: str) -> None:
    fitted, fresh = small(name, scaling=scaling), small(name, scaling=scaling)
    fitted.fit([noise(3, 3000)])
    state = fitted.state_dict()
    assert {key.rpartition(".")[2] for key in state} == {"offset", "spread"}
    fresh.load_state_dict(state)
    assert torch.equal(fresh(noise(1, 999)), fitted(noise(1, 999)))


@pytest.mark.parametrize("name", LOGARITHMIC)
def test_the_floor_lies_the_range_below_a_full_scale_sine(name: str) -> None:
    transform = make(name, range_db=60)
    quiet = transform(torch.zeros(1, 4096))[0, :, 8]
    torch.testing.assert_close(quiet, transform(torch.zeros(1, 1))[0, :, 0])
    values = transform.invert(transform(tone(1000.0, amplitude=1.0)))[0, :, 40]
    loudest = int(values.argmax())
    above = (values[loudest] - quiet[loudest]).item() * 20 / math.log(10)
    assert above == pytest.approx(60, abs=6)  # a mel band sums the sides of a peak too; a bin may stand beside it


@pytest.mark.parametrize("name", PLUGINS)
def test_inversion_is_finite_for_whatever_a_model_decodes(name: str) -> None:
    transform = make(name)
    wild = 30 * noise(1, transform.spec.bins, 9)
    values = transform.invert(wild)
    assert values.isfinite().all()
    if transform.magnitude_spec:
        assert transform.magnitudes(values).isfinite().all()


@pytest.mark.parametrize("name", [name for name in PLUGINS if name not in ("waveform",)])
def test_the_level_of_a_clip_is_kept(name: str) -> None:
    transform = make(name)
    wave = music()
    transform.fit([wave])
    loud, quiet = transform.invert(transform(wave)), transform.invert(transform(0.1 * wave))
    if transform.spec.scale == "linear":
        torch.testing.assert_close(quiet, 0.1 * loud, atol=1e-4, rtol=1e-3)
    else:
        audible = loud > loud.max() - 6  # nepers: 52 dB
        torch.testing.assert_close(
            (loud - quiet)[audible], torch.full_like(loud[audible], math.log(10)), atol=2e-2, rtol=0
        )


def test_the_plugins_are_the_ones_that_the_documents_name() -> None:
    assert set(PLUGINS) == {
        "stft",
        "mel",
        "cqt",
        "complex",
        "waveform",
        "torchaudio-stft",
        "torchaudio-mel",
        "nnaudio-stft",
        "nnaudio-mel",
        "nnaudio-cqt",
    }
