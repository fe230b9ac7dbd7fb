"""The cqt transform against closed forms, and how near its inverse comes."""

from __future__ import annotations

import math

import pytest
import torch
from transform_sounds import RATE, convergence_db, make, music, noise, tone

from genvae.errors import OptionError
from genvae_plugins.transforms import CqtOptions, StftOptions
from genvae_plugins.transforms.cqt import frequencies, lengths
from genvae_plugins.transforms.stft import Stft


@pytest.mark.parametrize("bin_", [0, 12, 33, 60, 83])
@pytest.mark.parametrize("window", ["hann", "hamming", "blackman"])
def test_a_sine_at_a_bin_has_half_the_root_of_its_windows_samples(bin_: int, window: str) -> None:
    cqt = make("cqt", window=window)
    hertz = frequencies(CqtOptions())[bin_]
    values = cqt.invert(cqt(tone(hertz, 2 * RATE)))[0, :, 86].exp()
    assert values.argmax() == bin_
    samples = lengths(CqtOptions(), RATE)[bin_]
    assert samples == math.ceil(RATE / hertz / (2 ** (1 / 12) - 1))
    assert values[bin_].item() == pytest.approx(0.5 * math.sqrt(samples) / 2, rel=2e-3)


def test_bins_rise_by_equal_steps_from_the_lowest_to_the_highest() -> None:
    spec = make("cqt", bins=25, bins_per_octave=12, f_min=110).spec
    assert (spec.f_min, spec.f_max) == (110, pytest.approx(440))
    assert spec.n_fft == lengths(CqtOptions(f_min=110), RATE)[0]


def test_a_frame_is_centred_on_its_multiple_of_the_hop() -> None:
    cqt = make("cqt", hop=256)
    click = torch.zeros(1, RATE)
    click[0, 40 * 256] = 1
    assert (cqt(click)[0].argmax(1) == 40).all()


def test_the_way_back_to_magnitudes_keeps_tones_and_noise_at_their_level() -> None:
    stft, cqt = Stft(StftOptions(), sample_rate=RATE), make("cqt")
    assert cqt.magnitude_spec == stft.spec

    def there_and_back(wave: torch.Tensor) -> torch.Tensor:
        return cqt.magnitudes(cqt.invert(cqt(wave))).exp()

    wave = tone(frequencies(CqtOptions())[24], 2 * RATE)
    assert there_and_back(wave)[0, :, 80].argmax() == stft.analyse(wave)[0, :, 80].argmax()
    assert there_and_back(wave)[0, :, 80].max() == pytest.approx(stft.analyse(wave)[0, :, 80].max().item(), rel=0.1)
    hiss = noise(4, RATE)
    inside = slice(10, 170)  # of 43 to 3951 Hz, which is the range of the bins
    got, wanted = (x[:, inside, 20:-20].square().mean().item() for x in (there_and_back(hiss), stft.analyse(hiss)))
    assert got == pytest.approx(wanted, rel=0.1)
    outside = there_and_back(hiss)[:, 200:]
    torch.testing.assert_close(outside, cqt.magnitude_floor.expand_as(outside))


@pytest.mark.parametrize(("values", "bound"), [({}, -7), ({"bins": 168, "bins_per_octave": 24}, -8)])
def test_the_way_back_to_magnitudes_is_as_near_as_the_page_says(values: dict[str, int], bound: float) -> None:
    waves = music()
    stft, cqt = Stft(StftOptions(), sample_rate=RATE), make("cqt", **values)
    got = cqt.magnitudes(cqt.invert(cqt(waves))).exp()
    assert convergence_db(stft.analyse(waves), got) < bound


@pytest.mark.parametrize("bins", [1, 2, 13])
def test_few_bins_serve_too(bins: int) -> None:
    cqt = make("cqt", bins=bins, f_min=440)
    assert cqt.magnitudes(cqt.invert(cqt(tone(440)))).isfinite().all()


@pytest.mark.parametrize(("name", "value"), [("bins", 0), ("bins_per_octave", 0), ("f_min", 0), ("bins", 130)])
def test_bins_that_cannot_be_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(OptionError, match=name):
        make("cqt", **{name: value})
