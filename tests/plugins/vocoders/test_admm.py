"""ADMM against its definition, step by step, and against Griffin-Lim where it is meant to win."""

from __future__ import annotations

import pytest
import torch
from vocoder_sounds import SPEC, convergence_db, log_magnitude, make, music, spectrum

from genvae import windows
from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.magnitudes import polar
from genvae_plugins.vocoders.refined import Admm


@pytest.mark.parametrize("rho", [0.0, 0.3, 1.0])
def test_it_is_the_scaled_form_of_the_letter(rho: float) -> None:
    wanted = log_magnitude(music(5000))
    magnitude = wanted.transpose(1, 2).exp().contiguous()
    frames = Frames(SPEC, windows.of(SPEC), magnitude.shape[1], 5000)
    start = polar(magnitude, torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(0)))

    def consistent(y: torch.Tensor) -> torch.Tensor:
        return spectrum(frames.trim(frames.synthesise(y))).transpose(1, 2)

    z, u = start.clone(), torch.zeros_like(start)
    for iteration in range(4):  # the first x is the start itself
        x = torch.polar(magnitude, (z - u).angle()) if iteration else start
        y = x + u
        z = (rho * y + consistent(y)) / (1 + rho)
        u = u + x - z
    expected = frames.synthesise(x)

    vocoder = make("admm", iterations=3, rho=rho)
    assert isinstance(vocoder, Admm)
    found = vocoder._refine(frames, None, magnitude, start)
    torch.testing.assert_close(frames.trim(found), frames.trim(expected), atol=1e-4, rtol=0)


def given_phase(wanted: torch.Tensor) -> torch.Tensor:
    """Random phases in radians, to start two methods from."""
    return 6.28 * torch.rand(wanted.shape, generator=torch.Generator().manual_seed(0))


def test_a_rho_of_one_is_griffin_lim() -> None:
    """u has no part that a waveform can give, so that P_C y is P_C x, and x becomes P_A P_C x."""
    wanted = log_magnitude(music(8000))
    plain = make("griffin-lim", iterations=8, momentum=0.0)(wanted, length=8000, initial_phase=given_phase(wanted))
    ours = make("admm", iterations=8, rho=1.0)(wanted, length=8000, initial_phase=given_phase(wanted))
    torch.testing.assert_close(ours, plain, atol=1e-4, rtol=0)


def test_a_small_rho_goes_deeper_than_griffin_lim_for_magnitudes_of_a_sound() -> None:
    wanted = log_magnitude(music(8000))
    plain = make("griffin-lim", iterations=100, momentum=0.0)(wanted, length=8000, initial_phase=given_phase(wanted))
    ours = make("admm", iterations=100, rho=0.1)(wanted, length=8000, initial_phase=given_phase(wanted))
    assert convergence_db(wanted, ours) < convergence_db(wanted, plain) - 3
