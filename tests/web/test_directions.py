"""What the principal directions do to a sound: measured on sounds of which it is known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from genvae.web.directions import CLIPS, WORDS, Directions, qualities

RATE = 22050
TIMES = np.arange(RATE) / RATE
NOISE = np.random.default_rng(0).standard_normal(RATE)
LEVEL, BRIGHTNESS, NOISINESS, BUSINESS = range(len(WORDS))


def tone(pitch: float) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * pitch * TIMES)


@pytest.mark.parametrize(
    ("quality", "more", "less"),
    [
        (LEVEL, tone(440), 0.5 * tone(440)),
        (BRIGHTNESS, tone(4000), tone(200)),
        (NOISINESS, 0.1 * NOISE, tone(440)),
        (BUSINESS, 0.1 * NOISE * (TIMES % 0.1 < 0.05), tone(440)),
    ],
)
def test_a_quality_is_greater_where_the_ear_says_so(quality: int, more: np.ndarray, less: np.ndarray) -> None:
    heard = [qualities(wave.astype(np.float32), RATE) for wave in (more, less)]
    assert np.isfinite(heard).all()
    assert heard[0][quality] > heard[1][quality]


def test_the_level_is_in_decibels_and_brightness_a_frequency() -> None:
    loud, soft = (qualities((gain * tone(1000)).astype(np.float32), RATE) for gain in (1.0, 0.5))
    assert loud[LEVEL] - soft[LEVEL] == pytest.approx(6.02, abs=0.01)
    assert np.exp(loud[BRIGHTNESS]) == pytest.approx(1000, rel=0.02)
    assert np.isfinite(qualities(np.zeros(RATE, np.float32), RATE)).all()


class Instrument:
    """Its first number is the level, its second the pitch downwards, its third does nothing."""

    def decode(self, z: torch.Tensor, genre: str, *, seed: int) -> Any:
        level, pitch, _ = z.tolist()
        wave = np.exp(0.5 * level) * tone(800 * np.exp(-0.3 * pitch)) + 0.01 * np.roll(NOISE, seed)
        return SimpleNamespace(wave=torch.from_numpy(wave.astype(np.float32)), sample_rate=RATE)


def test_directions_are_named_for_what_they_do() -> None:
    latents = torch.randn(CLIPS, 3, generator=torch.Generator().manual_seed(0))
    directions = Directions(
        axes=torch.eye(3),
        deviations=torch.ones(3),
        explained=torch.full((3,), 1 / 3),
        latents=latents,
        genres=["rock"] * CLIPS,
        mean=torch.zeros(3),
    )
    assert directions.words() == [[], [], []]
    while directions.measured < 1:
        clip = directions.clip(directions.heard, Instrument())  # type: ignore[arg-type]
        directions.add(qualities(clip.wave.numpy(), clip.sample_rate))
    words = directions.words()
    assert words[0][0] == "louder"
    assert words[1][0] == "darker"
    assert not {"louder", "softer", "brighter", "darker"} & set(words[2])


def test_shifts_are_in_standard_deviations() -> None:
    directions = Directions(
        torch.eye(2, 4), torch.tensor([2.0, 0.5]), torch.ones(2), torch.zeros(0, 4), [], torch.zeros(4)
    )
    assert directions.shift([1.5, -1]).tolist() == [3.0, -0.5, 0.0, 0.0]
