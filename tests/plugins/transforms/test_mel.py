"""The mel transform and non-negative least squares against closed forms and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transform_sounds import RATE, convergence_db, make, music, noise, tone

from genvae.errors import OptionError
from genvae.plugin import options
from genvae_plugins.transforms import MelOptions, StftOptions
from genvae_plugins.transforms.filters import hz_to_mel, mel_filters, mel_to_hz
from genvae_plugins.transforms.mel import Mel
from genvae_plugins.transforms.nonnegative import solve
from genvae_plugins.transforms.stft import Stft


@pytest.mark.parametrize("formula", ["slaney", "htk"])
def test_the_mel_scales_have_their_fixed_points_and_inverses(formula: str) -> None:
    hertz = torch.linspace(0, 20000, 1001, dtype=torch.float64)
    mel = hz_to_mel(hertz, formula)
    torch.testing.assert_close(mel_to_hz(mel, formula), hertz)
    assert (mel.diff() > 0).all()
    known = {"slaney": [(1000, 15), (6400, 42), (200, 3)], "htk": [(700, 2595 * math.log10(2)), (1000, 999.9855)]}
    for frequency, value in known[formula]:
        assert hz_to_mel(torch.tensor(float(frequency)), formula).item() == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("formula", ["slaney", "htk"])
@pytest.mark.parametrize("band", [20, 40, 70])
def test_a_tone_is_loudest_in_its_band_at_the_closed_forms_level(formula: str, band: int) -> None:
    mel = make("mel", formula=formula, norm="peak", n_fft=4096, hop=1024)
    low, high = (hz_to_mel(torch.tensor(f, dtype=torch.float64), formula) for f in (0.0, RATE / 2))
    centre = float(mel_to_hz(low + (high - low) * (band + 1) / 81, formula))
    centre = round(centre * 4096 / RATE) * RATE / 4096  # on a bin
    values = mel.invert(mel(tone(centre, 3 * RATE)))[0, :, 30].exp()
    assert values.argmax() == band
    # A sine of amplitude A gives A * sum(window) / 2 at its bin, half of it at the two beside it.
    weights = mel_filters(mel.spec)[band, round(centre * 4096 / RATE) + torch.arange(-1, 2)]
    expected = 0.5 * 2048 / 2 * float(weights @ torch.tensor([0.5, 1, 0.5], dtype=torch.float64))
    assert values[band].item() == pytest.approx(expected, rel=1e-4)


def test_area_normalisation_gives_noise_the_same_level_everywhere() -> None:
    mel = make("mel", n_mels=40)
    level = mel.invert(mel(noise(8, RATE))).exp().mean((0, 2))[2:]
    assert level.std() < 0.05 * level.mean()


@pytest.mark.parametrize("values", [{}, {"norm": "peak"}, {"formula": "htk", "n_mels": 128}, {"n_mels": 20}])
@pytest.mark.parametrize("jitter", [0.0, 0.5, 2.0])
def test_least_squares_reach_scipys_residual(values: dict[str, object], jitter: float) -> None:
    """Also where no spectrum has such bands, as with those that a model decodes."""
    mel = make("mel", **values)
    assert isinstance(mel, Mel)
    target = mel.analyse(music(3000))
    target = target * (jitter * 3 * noise(*target.shape)).exp()
    solved = solve(
        mel.filters, target, mel.estimate.new_zeros(2, 513, target.shape[2]), tolerance=1e-5, iterations=3000
    )
    assert (solved >= 0).all()
    residual = (mel.filters @ solved - target).norm(dim=1)
    for item in range(len(target)):
        for frame in range(0, target.shape[2], 5):
            wanted = target[item, :, frame].double().numpy()
            _, best = scipy.optimize.nnls(mel.filters.double().numpy(), wanted)
            assert residual[item, frame] <= best + 2e-3 * np.linalg.norm(wanted)


def test_a_start_that_is_a_solution_is_kept_where_bands_can_tell() -> None:
    mel = make("mel")
    assert isinstance(mel, Mel)
    flat = torch.full((1, 513, 2), 3.0)
    solved = solve(mel.filters, mel.filters @ flat, flat)
    torch.testing.assert_close(solved[:, 1:-1], flat[:, 1:-1])
    assert (solved[:, [0, -1]] == 0).all()  # 0 Hz and half of the sample rate are in no band


@settings(deadline=None, max_examples=25)
@given(bands=st.integers(1, 12), bins=st.integers(1, 12), seed=st.integers(0, 2**31))
def test_any_non_negative_problem_is_solved(bands: int, bins: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    filters = torch.rand(bands, bins, generator=generator)
    target = torch.rand(1, bands, 3, generator=generator)
    solved = solve(filters, target, torch.zeros(1, bins, 3), tolerance=1e-5, iterations=3000)
    residual = (filters @ solved - target).norm(dim=1)[0]
    for frame in range(3):
        _, best = scipy.optimize.nnls(filters.double().numpy(), target[0, :, frame].double().numpy())
        assert residual[frame] <= best + 2e-3 * float(target[0, :, frame].norm())


def test_the_way_back_to_magnitudes_is_as_near_as_the_bands_allow() -> None:
    waves = music()
    mel, stft = make("mel"), Stft(StftOptions(), sample_rate=RATE)
    assert mel.magnitude_spec == stft.spec
    linear = mel.magnitudes(mel.invert(mel(waves)))
    assert linear.shape == (2, 513, 87)
    assert convergence_db(stft.analyse(waves), linear.exp()) < -10
    again = torch.as_tensor(mel.filters) @ linear.exp()
    assert convergence_db(mel.invert(mel(waves)).exp(), again) < -55
    floor = torch.as_tensor(mel.magnitude_floor).log()
    assert linear.min() >= floor
    silence = mel.magnitudes(mel.invert(mel(torch.zeros(1, 2000))))
    torch.testing.assert_close(silence, floor.expand_as(silence))


@pytest.mark.parametrize(
    ("name", "value"),
    [("n_mels", 0), ("f_min", -1), ("f_min", 12000), ("f_max", 20000), ("f_max", 0), ("n_mels", 400), ("norm", "max")],
)
def test_bands_that_cannot_be_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(OptionError, match=name):
        make("mel", **{name: value})
    with pytest.raises(OptionError, match=r"transform"):
        options.build(MelOptions, {"n_fft": 3}, where="transform")
