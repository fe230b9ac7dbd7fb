import torch

from genvae.training.monitor import active_units


def test_units_are_active_when_their_means_vary_over_the_data():
    generator = torch.Generator().manual_seed(0)
    means = torch.randn(1000, 5, generator=generator) * torch.tensor([1.0, 0.5, 0.2, 0.05, 0.0])
    assert active_units(means) == 3  # variances 1, .25, .04 | .0025, 0 against a threshold of .01


def test_a_constant_offset_makes_no_unit_active():
    assert active_units(torch.full((10, 4), 7.0)) == 0
