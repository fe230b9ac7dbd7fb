"""The griffin-lim vocoder against known waveforms and its own promises."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
from vocoder_sounds import RATE, SPEC, music

from genvae.errors import OptionError, SpecMismatch
from genvae.plugin import options
from genvae_plugins.transforms import StftOptions
from genvae_plugins.transforms.stft import Stft
from genvae_plugins.vocoders import GriffinLimOptions
from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.griffin_lim import GriffinLim


def make(**values: Any) -> GriffinLim:
    return GriffinLim(GriffinLimOptions(**values), spec=SPEC)


def log_magnitude(wave: torch.Tensor) -> torch.Tensor:
    stft = Stft(StftOptions(), sample_rate=RATE)
    return stft.invert(stft(wave))


def convergence_db(wave: torch.Tensor, rebuilt: torch.Tensor) -> float:
    """Distance of the magnitudes relative to the wanted ones."""
    wanted, got = log_magnitude(wave).exp(), log_magnitude(rebuilt).exp()
    return 20 * math.log10(float((wanted - got).norm() / wanted.norm()))


def test_magnitudes_are_reached_and_momentum_reaches_them_sooner() -> None:
    wave = music()
    spectrogram = log_magnitude(wave)
    fast = convergence_db(wave, make()(spectrogram, length=16000))
    plain = convergence_db(wave, make(momentum=0)(spectrogram, length=16000))
    start = convergence_db(wave, make(iterations=0)(spectrogram, length=16000))
    assert fast < -20
    assert fast < plain - 2
    assert plain < start - 5


def test_random_phases_serve_as_a_start_too() -> None:
    wave = music()
    rebuilt = make()(log_magnitude(wave), length=16000, generator=torch.Generator().manual_seed(3))
    assert convergence_db(wave, rebuilt) < -18


def test_a_tone_keeps_its_level_and_its_pitch() -> None:
    time = torch.arange(RATE, dtype=torch.float64) / RATE
    wave = 0.3 * torch.sin(2 * math.pi * 440 * time)[None].float()
    rebuilt = make()(log_magnitude(wave), length=RATE)[0]
    assert rebuilt.square().mean().sqrt().item() == pytest.approx(0.3 / math.sqrt(2), rel=0.05)
    peak = torch.fft.rfft(rebuilt).abs().argmax().item()  # a second has bins of 1 Hz
    assert peak == pytest.approx(440, abs=3)  # where a bin of the spectrogram is 21.5 Hz wide


def test_projections_know_that_the_waveform_is_zero_outside_its_ends() -> None:
    weights = Frames(SPEC, torch.hann_window(1024), 9, 2100).weights
    squares = torch.zeros(8 * 256 + 1024, dtype=torch.float64)
    for frame in range(9):
        squares[256 * frame :][:1024] += torch.hann_window(1024, dtype=torch.float64).square()
    expected = torch.zeros_like(squares)
    expected[512 : 512 + 2100] = 1 / squares[512 : 512 + 2100]
    torch.testing.assert_close(weights, expected.float())


@pytest.mark.parametrize("length", [1, 255, 256, 257, 4096, 4097, 9000])
def test_the_length_is_what_was_asked_for(length: int) -> None:
    spectrogram = log_magnitude(music(4096))
    wave = make(iterations=2)(spectrogram, length=length)
    assert wave.shape == (1, length)
    assert wave.isfinite().all()


def test_the_default_length_is_that_of_the_spec() -> None:
    wave = make(iterations=1)(log_magnitude(music(5000)).expand(2, -1, -1))
    assert wave.shape == (2, SPEC.samples(SPEC.frames(5000)))


def test_silence_stays_silence() -> None:
    wave = make()(log_magnitude(torch.zeros(1, 4000)), length=4000)
    assert wave.abs().max() < 1e-6
    assert torch.equal(make()(torch.full((1, 513, 9), -math.inf)), torch.zeros(1, 2048))


def test_a_batch_gives_what_each_clip_gives_alone() -> None:
    first, second = music(6000), 0.1 * music(6000).flip(1)
    together = make()(log_magnitude(torch.cat([first, second])), length=6000)
    for row, wave in zip(together, (first, second), strict=True):
        torch.testing.assert_close(row[None], make()(log_magnitude(wave), length=6000), atol=1e-7, rtol=0)


def test_only_the_generator_decides_what_is_drawn() -> None:
    spectrogram = log_magnitude(music(4000))
    vocoder = make(iterations=4)
    state = torch.random.get_rng_state()
    fixed = vocoder(spectrogram)
    drawn = vocoder(spectrogram, generator=torch.Generator().manual_seed(1))
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(99)
    assert torch.equal(vocoder(spectrogram), fixed)
    assert torch.equal(vocoder(spectrogram, generator=torch.Generator().manual_seed(1)), drawn)
    assert not torch.equal(vocoder(spectrogram, generator=torch.Generator().manual_seed(2)), drawn)


@pytest.mark.parametrize(("field", "value"), [("kind", "mel"), ("scale", "linear"), ("bins", 80), ("window", "kaiser")])
def test_features_that_it_cannot_serve_are_refused_by_field(field: str, value: Any) -> None:
    spec = dataclasses.replace(SPEC, **{field: value})
    with pytest.raises(SpecMismatch, match=f"griffin-lim .*{field}"):
        GriffinLim(GriffinLimOptions(), spec=spec)


@pytest.mark.parametrize(("name", "value"), [("iterations", -1), ("momentum", -0.1), ("momentum", "nan")])
def test_senseless_options_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(OptionError, match=name):
        options.build(GriffinLimOptions, {name: value}, where="vocoder")
