"""Distances of sounds, against closed forms."""

import pytest
import torch

from genvae.distances import log_spectral_distance


def test_the_spectral_distance_is_that_of_the_levels() -> None:
    noise = 0.1 * torch.randn(20000, generator=torch.Generator().manual_seed(0))
    assert log_spectral_distance(noise, noise) == 0
    assert log_spectral_distance(noise, noise / 2) == pytest.approx(6.02, abs=0.01)
    assert log_spectral_distance(noise, -noise) == 0
    assert log_spectral_distance(torch.zeros(20000), torch.zeros(20000)) == 0
