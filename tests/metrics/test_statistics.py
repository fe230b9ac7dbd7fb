from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from genvae.metrics.statistics import SAMPLE_RATE, signal_statistics

TIMES = np.arange(SAMPLE_RATE) / SAMPLE_RATE


def measured(*waves: NDArray[np.float64]) -> list[dict[str, float]]:
    """The statistics of clips by name."""
    member = signal_statistics()
    points = member.embed(np.stack(waves).astype(np.float32))
    names = [each.name for each in member.statistics]
    return [dict(zip(names, point, strict=True)) for point in points]


def noise(seed: int = 0) -> NDArray[np.float64]:
    return 0.1 * np.random.default_rng(seed).standard_normal(SAMPLE_RATE)


def partials(pitch: float = 220.0, count: int = 40) -> NDArray[np.float64]:
    return 0.05 * sum(
        (np.sin(2 * np.pi * pitch * n * TIMES + n * n) / n for n in range(1, count)), np.zeros(SAMPLE_RATE)
    )


def clicks(rate: int) -> NDArray[np.float64]:
    made = np.zeros(SAMPLE_RATE)
    made[:: SAMPLE_RATE // rate] = 0.9
    return made


def test_each_statistic_has_a_name_of_its_own_and_the_member_a_version_and_a_digest() -> None:
    names = [each.name for each in signal_statistics().statistics]
    assert len(set(names)) == len(names) > 60
    assert re.fullmatch(r"genvae-statistics \d+ \([0-9a-f]{8}\)", signal_statistics().name)


def test_a_tone_has_the_crest_period_and_steadiness_of_a_tone() -> None:
    (tone,) = measured(0.3 * np.sin(2 * np.pi * 1000 * TIMES))
    assert tone["crest"] == pytest.approx(10 * np.log10(2), abs=0.01)
    assert tone["kurtosis of the samples"] == pytest.approx(np.log(1.5), abs=0.01)
    assert tone["periodicity"] == pytest.approx(1, abs=0.01)
    assert tone["wobble 1-3 kHz"] == pytest.approx(0, abs=0.01)
    # Its power, that of the whole clip, is spread by the window over 1.5 bins.
    assert tone["level 1-3 kHz"] > -2


def test_white_noise_has_the_levels_of_rayleigh_variables() -> None:
    (found,) = measured(noise())
    # Of the power of a bin, which is exponential, the fifth percentile is -ln(0.95) times the mean; the mean is that of
    # unit power in 1024 bins, widened by the window's 1.5 bins, with 2 for a sine of amplitude 1.
    mean = 10 * np.log10(2 * 1.5 / 1024)
    assert found["noise floor 3-9 kHz"] == pytest.approx(mean + 10 * np.log10(-np.log(0.95)), abs=0.4)
    assert found["flatness 3-9 kHz"] == pytest.approx(-10 * np.euler_gamma / np.log(10), abs=0.1)
    assert found["level 3-9 kHz"] == pytest.approx(10 * np.log10(6000 / (SAMPLE_RATE / 2)), abs=0.15)
    assert found["kurtosis of the samples"] == pytest.approx(np.log(3), abs=0.05)
    assert found["onset kurtosis 3-9 kHz"] == pytest.approx(np.log(3), abs=0.35)
    assert found["steadiness over 46 ms 3-9 kHz"] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize(("rate", "band"), [(2.5, "1-4 Hz"), (7, "4-10 Hz"), (15, "10-20 Hz"), (30, "20-40 Hz")])
def test_a_modulation_is_found_at_its_rate(rate: float, band: str) -> None:
    wave = noise() * np.exp(0.8 * np.sin(2 * np.pi * rate * TIMES))
    (found,) = measured(wave)
    of_rates = {name: value for name, value in found.items() if name.startswith("modulation") and "1-4 kHz" in name}
    assert max(of_rates, key=lambda name: of_rates[name]) == f"modulation at {band} 1-4 kHz"


def test_clicks_have_strong_and_rare_onsets() -> None:
    few, rush = measured(clicks(4) + 0.01 * noise(), noise())
    assert few["onset 3-9 kHz"] > rush["onset 3-9 kHz"] + 20
    assert few["onset kurtosis 3-9 kHz"] > rush["onset kurtosis 3-9 kHz"] + 1
    assert few["crest"] > rush["crest"] + 10


def test_noise_between_partials_raises_the_floor_and_fills_the_valleys() -> None:
    clean, filled = measured(partials(), partials() + 0.003 * noise())
    assert filled["noise floor 3-9 kHz"] > clean["noise floor 3-9 kHz"] + 10
    assert filled["peak to valley 3-9 kHz"] < clean["peak to valley 3-9 kHz"] - 10
    assert filled["wobble 0.3-1 kHz"] == pytest.approx(clean["wobble 0.3-1 kHz"], abs=0.2)  # which stand far above it


def test_partials_whose_level_shakes_wobble() -> None:
    shaken = partials() * (1 + 0.6 * np.sin(2 * np.pi * 8 * TIMES))
    steady, shaking = measured(partials(), shaken)
    assert shaking["wobble 0.3-1 kHz"] > steady["wobble 0.3-1 kHz"] + 0.8


def test_partials_ripple_as_far_apart_as_they_are() -> None:
    narrow, wide = measured(partials(60, 150), partials(600, 15))
    assert narrow["ripple every 37-92 Hz"] > wide["ripple every 37-92 Hz"] + 3
    assert wide["ripple every 280-920 Hz"] > narrow["ripple every 280-920 Hz"] + 3


def test_level_plays_no_part_and_a_clip_does_not_depend_on_those_beside_it() -> None:
    member = signal_statistics()
    waves = np.stack([noise(0), noise(1), partials()]).astype(np.float32)
    together = member.embed(waves)
    assert member.embed(0.1 * waves) == pytest.approx(together, abs=2e-2)
    assert member.embed(waves[1:2])[0] == pytest.approx(together[1], abs=1e-3)


def test_silence_and_short_clips_are_measured_with_finite_numbers() -> None:
    member = signal_statistics()
    assert np.isfinite(member.embed(np.zeros((1, SAMPLE_RATE), np.float32))).all()
    assert np.isfinite(member.embed(np.full((2, 900), 0.1, np.float32))).all()
