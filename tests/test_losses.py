"""Losses against torch's own distributions and closed forms."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from genvae import Posterior
from genvae.losses import free_bits, gaussian_kl, reparameterise


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_divergence_is_that_of_torchs_distributions() -> None:
    mean, log_variance = torch.randn(2, 5, 7, generator=seeded(), dtype=torch.float64)
    expected = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(gaussian_kl(mean, log_variance), expected)
    torch.testing.assert_close(Posterior(mean, log_variance).kl(), expected)


def test_divergence_of_the_standard_normal_from_itself_is_nothing() -> None:
    assert torch.equal(gaussian_kl(torch.zeros(3), torch.zeros(3)), torch.zeros(3))


def test_free_bits_bound_the_batch_mean_of_each_dimension() -> None:
    kl = torch.tensor([[0.0, 2.0, 0.1], [0.6, 4.0, 0.1]])  # means 0.3, 3, 0.1
    assert free_bits(kl, 0.25).item() == pytest.approx(0.3 + 3 + 0.25)
    assert free_bits(kl, 0.0).item() == pytest.approx(kl.sum(1).mean().item())


def test_free_bits_do_not_push_a_dimension_below_its_bound() -> None:
    kl = torch.tensor([[0.1, 2.0], [0.1, 4.0]], requires_grad=True)
    free_bits(kl, 0.5).backward()
    assert torch.equal(kl.grad, torch.tensor([[0.0, 0.5], [0.0, 0.5]]))


def test_draws_have_the_mean_and_the_variance() -> None:
    mean, log_variance = torch.tensor([2.0, -1.0]), torch.tensor([0.0, -2.0])
    z = reparameterise(mean.expand(50000, 2), log_variance.expand(50000, 2), seeded())
    torch.testing.assert_close(z.mean(0), mean, atol=0.02, rtol=0)
    torch.testing.assert_close(z.var(0), log_variance.exp(), atol=0.02, rtol=0.02)


def test_draws_are_differentiable_in_both_moments() -> None:
    mean = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    log_variance = torch.full((4,), 0.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m, v: reparameterise(m, v, seeded(3)), (mean, log_variance))


def test_a_generator_decides_the_draw_and_leaves_the_global_one_alone() -> None:
    posterior = Posterior(torch.zeros(3, 2), torch.zeros(3, 2))
    state = torch.random.get_rng_state()
    first = posterior.sample(seeded(1))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(posterior.sample(seeded(1)), first)
    assert not torch.equal(posterior.sample(seeded(2)), first)
