"""Spectra that are given magnitudes keep their phases, and where there is no phase nothing is made up."""

from __future__ import annotations

import torch

from genvae_plugins.vocoders.magnitudes import with_magnitude_


def test_spectra_get_the_magnitudes_and_keep_their_phases() -> None:
    generator = torch.Generator().manual_seed(0)
    spectrum = torch.randn(2, 7, 9, dtype=torch.complex64, generator=generator)
    magnitude = torch.rand(2, 7, 9, generator=generator) + 0.1
    expected = torch.polar(magnitude.double(), spectrum.to(torch.complex128).angle())
    found = with_magnitude_(spectrum, magnitude, torch.empty_like(magnitude))
    assert found is spectrum
    torch.testing.assert_close(found.to(torch.complex128), expected, rtol=1e-6, atol=1e-6)


def test_a_spectrum_of_zero_stays_zero() -> None:
    spectrum = torch.zeros(1, 2, 3, dtype=torch.complex64)
    assert not with_magnitude_(spectrum, torch.ones(1, 2, 3), torch.empty(1, 2, 3)).any()
