"""The stft transform against closed forms, numpy's Fourier transform, and its own promises."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from genvae.errors import OptionError
from genvae.plugin import options
from genvae_plugins.transforms import StftOptions
from genvae_plugins.transforms.stft import Stft

RATE = 22050


def make(**values: Any) -> Stft:
    return Stft(StftOptions(**values), sample_rate=RATE)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("window", ["hann", "hamming", "blackman"])
def test_a_sine_at_a_bin_has_half_the_windows_sum_times_its_amplitude(window: str) -> None:
    stft = make(window=window)
    time = torch.arange(8192, dtype=torch.float64)
    wave = 0.5 * torch.sin(2 * math.pi * 64 / 1024 * time)[None].float()
    magnitude = stft.invert(stft(wave)).exp()[0, :, 16]
    assert magnitude.argmax() == 64
    mean_of_window = {"hann": 0.5, "hamming": 0.54, "blackman": 0.42}[window]
    assert magnitude[64].item() == pytest.approx(0.5 * 1024 * mean_of_window / 2, rel=1e-4)


def test_magnitudes_are_those_of_numpys_transform_of_centred_zero_padded_frames() -> None:
    stft = make(n_fft=64, hop=24)
    wave = noise(1, 500)
    magnitude = stft.invert(stft(wave)).exp()[0].numpy()
    padded = np.pad(wave[0].double().numpy(), 32)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)
    expected = np.stack([np.abs(np.fft.rfft(window * padded[24 * t : 24 * t + 64])) for t in range(1 + 500 // 24)], 1)
    np.testing.assert_allclose(magnitude, expected, rtol=1e-4, atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(samples=st.integers(1, 3000), hop=st.integers(1, 64))
def test_any_length_gives_the_frames_that_the_spec_says(samples: int, hop: int) -> None:
    stft = make(n_fft=128, hop=hop)
    assert stft(torch.zeros(2, samples)).shape == (2, stft.spec.bins, stft.spec.frames(samples))


@pytest.mark.parametrize("scaling", ["standard", "unit"])
def test_inversion_gives_the_magnitudes_back(scaling: str) -> None:
    stft = make(scaling=scaling)
    stft.fit([noise(4, 8000)])
    wave = noise(2, 8000, seed=1) * torch.logspace(-4, 0, 8000)  # from 80 dB down to full scale
    spectrum = torch.stft(wave, 1024, 256, window=torch.hann_window(1024), pad_mode="constant", return_complex=True)
    floor = 256 * 1e-5
    error = (stft.invert(stft(wave)).exp() - spectrum.abs()).abs()
    assert (error <= 1e-5 * spectrum.abs() + 1e-3 * floor).all()


def test_silence_lies_the_range_below_a_full_scale_sine() -> None:
    stft = make(range_db=60)
    features = stft(torch.zeros(1, 2048))
    expected = math.log(1024 * 0.5 / 2) - 60 / 20 * math.log(10)
    torch.testing.assert_close(features, torch.full_like(features, expected))
    assert stft.invert(features).isfinite().all()


def test_inversion_is_finite_for_whatever_a_model_decodes() -> None:
    assert make().invert(torch.linspace(-1e6, 1e6, 513)[None, :, None]).isfinite().all()


def test_standard_scaling_centres_each_bin_and_gives_the_whole_unit_deviation() -> None:
    stft = make()
    # Loud and quiet bins, so that a deviation per bin would differ from the one of the whole.
    waves = noise(6, 8000).cumsum(1) * 0.05
    stft.fit(waves.split(2))
    features = stft(waves).double()
    torch.testing.assert_close(features.mean((0, 2)), torch.zeros(513, dtype=torch.float64), atol=1e-4, rtol=0)
    assert features.square().mean().sqrt().item() == pytest.approx(1, abs=1e-4)
    assert features.std((0, 2)).max() > 1.05 * features.std((0, 2)).min()


def test_unit_scaling_spans_zero_to_one_over_the_training_split() -> None:
    stft = make(scaling="unit")
    waves = noise(6, 4000)
    stft.fit(waves.split(1))
    features = stft(waves)
    assert features.min().item() == pytest.approx(0, abs=1e-6)
    assert features.max().item() == pytest.approx(1, abs=1e-6)


def test_untrained_unit_scaling_spans_silence_to_a_full_scale_sine() -> None:
    stft = make(scaling="unit")
    time = torch.arange(8192, dtype=torch.float64)
    sine = torch.sin(2 * math.pi * 64 / 1024 * time)[None].float()
    assert stft(torch.zeros(1, 1024)).abs().max().item() == pytest.approx(0, abs=1e-5)
    assert stft(sine)[0, :, 8:24].max().item() == pytest.approx(1, abs=1e-4)


@settings(deadline=None, max_examples=15)
@given(cuts=st.lists(st.integers(1, 11), unique=True), scaling=st.sampled_from(["standard", "unit"]))
def test_statistics_do_not_depend_on_how_clips_are_batched(cuts: list[int], scaling: str) -> None:
    waves = noise(12, 3000) * torch.logspace(-3, 0, 12)[:, None]
    whole, parts = make(scaling=scaling), make(scaling=scaling)
    whole.fit([waves])
    edges = [0, *sorted(cuts), 12]
    parts.fit(waves[a:b] for a, b in pairwise(edges))
    torch.testing.assert_close(parts.offset, whole.offset, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(parts.spread, whole.spread, atol=1e-5, rtol=1e-5)


def test_fitting_does_not_keep_the_batches_that_it_has_seen() -> None:
    seen: list[weakref.ref[torch.Tensor]] = []

    def batches() -> Iterator[torch.Tensor]:
        for seed in range(6):
            assert all(batch() is None for batch in seen[:-1])
            batch = noise(2, 2000, seed=seed)
            seen.append(weakref.ref(batch))
            yield batch
            del batch

    make().fit(batches())
    assert len(seen) == 6


def test_fitting_to_silence_leaves_finite_features() -> None:
    for scaling in ("standard", "unit"):
        stft = make(scaling=scaling)
        stft.fit([torch.zeros(2, 2000)])
        assert stft(noise(1, 2000)).isfinite().all()


def test_fitting_refuses_no_waveforms_and_samples_that_are_not_finite() -> None:
    with pytest.raises(ValueError, match="no waveforms"):
        make().fit([])
    wave = noise(2, 2000)
    wave[1, 7] = math.nan
    with pytest.raises(ValueError, match="not finite"):
        make().fit([wave])


def test_a_state_dict_carries_the_statistics() -> None:
    fitted, fresh = make(), make()
    fitted.fit([noise(3, 3000)])
    fresh.load_state_dict(fitted.state_dict())
    assert torch.equal(fresh(noise(1, 999)), fitted(noise(1, 999)))


def test_gradients_reach_the_waveform() -> None:
    stft = make(n_fft=8, hop=3).double()
    wave = noise(1, 20).double().requires_grad_()
    assert torch.autograd.gradcheck(stft, (wave,))
    silence = torch.zeros(1, 2000, requires_grad=True)
    make()(silence).sum().backward()
    assert silence.grad is not None
    assert silence.grad.isfinite().all()


def test_the_level_of_a_clip_is_kept() -> None:
    stft = make()
    stft.fit([noise(4, 4000)])
    wave = noise(1, 4000)
    drop = stft.invert(stft(wave)) - stft.invert(stft(0.1 * wave))
    assert drop.median().item() == pytest.approx(math.log(10), abs=1e-3)


@pytest.mark.parametrize(
    ("name", "value"), [("n_fft", 1023), ("n_fft", 0), ("hop", 0), ("hop", 513), ("range_db", 0), ("range_db", "nan")]
)
def test_options_that_make_no_spectrogram_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(OptionError, match=name):
        options.build(StftOptions, {name: value}, where="transform")


@pytest.mark.parametrize("samples", [1, 300, 22050, 100_077])
@pytest.mark.parametrize("clips", [1, 3])
def test_tiles_are_what_torch_stft_gives(samples: int, clips: int) -> None:
    transform = make()
    wave = torch.randn(clips, samples, generator=torch.Generator().manual_seed(0))
    made = torch.stft(wave, 1024, 256, window=torch.hann_window(1024), pad_mode="constant", return_complex=True)
    expected = (made.abs() + transform.floor).log()
    torch.testing.assert_close(transform.measure(wave), expected, atol=3e-5, rtol=0)
    torch.testing.assert_close(transform(wave), transform.scale(expected), atol=3e-5, rtol=0)
    learning = wave.clone().requires_grad_()
    transform(learning).sum().backward()
    assert learning.grad is not None
    assert bool(learning.grad.isfinite().all())
