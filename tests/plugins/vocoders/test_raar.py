"""RAAR against its definition, and against fast Griffin-Lim where it is meant to win."""

from __future__ import annotations

import pytest
import torch
from vocoder_sounds import SPEC, convergence_db, log_magnitude, make, music, spectrum

from genvae import windows
from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.magnitudes import polar
from genvae_plugins.vocoders.refined import Raar


@pytest.mark.parametrize("beta", [0.6, 1.0])
def test_it_is_the_relaxed_average_of_the_reflections(beta: float) -> None:
    wanted = log_magnitude(music(5000))
    magnitude = wanted.transpose(1, 2).exp().contiguous()
    frames = Frames(SPEC, windows.of(SPEC), magnitude.shape[1], 5000)
    start = polar(magnitude, torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(0)))

    def fitting(x: torch.Tensor) -> torch.Tensor:
        return torch.polar(magnitude, x.angle())

    def consistent(x: torch.Tensor) -> torch.Tensor:
        return spectrum(frames.trim(frames.synthesise(x))).transpose(1, 2)

    def reflect(projection: object, x: torch.Tensor) -> torch.Tensor:
        assert callable(projection)
        result: torch.Tensor = 2 * projection(x) - x
        return result

    point = start.clone()
    vocoder = make("raar", iterations=3, beta=beta)
    assert isinstance(vocoder, Raar)
    for iteration in range(3):
        relaxed = vocoder._beta(iteration)
        twice = reflect(consistent, reflect(fitting, point))
        point = 0.5 * relaxed * (twice + point) + (1 - relaxed) * fitting(point)
    expected = frames.synthesise(fitting(point))

    found = vocoder._refine(frames, None, magnitude, start)
    torch.testing.assert_close(frames.trim(found), frames.trim(expected), atol=1e-4, rtol=0)


def test_beta_is_held_and_then_falls_to_one_half() -> None:
    vocoder = make("raar", iterations=100, beta=0.9)
    assert isinstance(vocoder, Raar)
    betas = [vocoder._beta(iteration) for iteration in range(100)]
    assert betas[:81] == pytest.approx([0.9] * 81)
    assert betas[90] == pytest.approx(0.7)
    assert betas[-1] == pytest.approx(0.52)
    low = make("raar", iterations=100, beta=0.3)
    assert isinstance(low, Raar)
    assert {low._beta(iteration) for iteration in range(100)} == {0.3}


def test_it_goes_deeper_the_longer_it_runs() -> None:
    wanted = log_magnitude(music(8000))
    reached = [convergence_db(wanted, make("raar", iterations=n)(wanted, length=8000)) for n in (0, 30, 300)]
    assert reached[0] > reached[1] + 3
    assert reached[1] > reached[2] + 5
    assert reached[2] < -35
