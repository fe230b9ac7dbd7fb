"""Vocoders that take an initial phase: the true one gives the sound back, one that is nearly true helps."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from vocoder_sounds import DECLARED, convergence_db, log_magnitude, make, music, spec_of, spectrum

from genvae.plugin.registry import load_factory

TAKING = ("griffin-lim", "pghi-refined", "raar", "admm")
EVERY = pytest.mark.parametrize("name", TAKING)


def test_who_takes_one_says_so() -> None:
    available = [name for name, plugin in DECLARED.items() if not (plugin.unavailable and plugin.unavailable())]
    factories = {name: load_factory(DECLARED[name]) for name in available}
    assert {name for name, factory in factories.items() if factory.takes_initial_phase} == set(TAKING)
    for name, factory in factories.items():
        assert ("initial_phase" in inspect.signature(factory.forward).parameters) == (name in TAKING)


@EVERY
@pytest.mark.parametrize(("n_fft", "hop"), [(1024, 256), (64, 20), (64, 7)])
@pytest.mark.parametrize("iterations", [0, 2])
def test_the_true_phase_gives_the_waveform_back(name: str, n_fft: int, hop: int, iterations: int) -> None:
    """To float precision without rounds; a consistent spectrum is a fixed point of them."""
    samples, spec = 5 * n_fft + 3, spec_of(n_fft, hop)
    waves = torch.cat([music(samples), 0.5 * music(samples).flip(1)])
    spectra = spectrum(waves, spec)
    vocoder = make(name, spec, iterations=iterations)
    rebuilt = vocoder(spectra.abs().clamp_min(1e-12).log(), length=samples, initial_phase=spectra.angle())
    torch.testing.assert_close(rebuilt, waves, atol=2e-6 if iterations == 0 else 1e-4, rtol=0)


@EVERY
def test_a_phase_that_is_nearly_true_leads_deeper_than_the_vocoders_own(name: str) -> None:
    wanted = log_magnitude(music())
    noise = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(1))
    phase = spectrum(music()).angle() + 0.3 * noise  # radians
    vocoder = make(name, iterations=8)
    cold, warm = vocoder(wanted, length=16000), vocoder(wanted, length=16000, initial_phase=phase)
    assert convergence_db(wanted, warm) < convergence_db(wanted, cold) - 1
    assert float((warm - music()).norm() / music().norm()) < 0.2  # the sound itself, not another with its magnitudes


@EVERY
@pytest.mark.parametrize("values", [{}, {"start": "queue"}])
def test_with_an_initial_phase_nothing_is_drawn(name: str, values: dict[str, Any]) -> None:
    if name == "griffin-lim":
        values = {}
    wanted, phase = log_magnitude(music(4000)), spectrum(music(4000)).angle()
    generator = torch.Generator().manual_seed(1)
    state, kept = generator.get_state(), phase.clone()
    vocoder = make(name, iterations=3, **values)
    drawn = vocoder(wanted, initial_phase=phase, generator=generator)
    assert torch.equal(generator.get_state(), state)
    assert torch.equal(drawn, vocoder(wanted, initial_phase=phase))
    assert torch.equal(phase, kept)
