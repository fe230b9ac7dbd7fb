"""What the `local` prior prefers: what was judged better, until it is fitted anew."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genvae_plugins.priors import LocalOptions
from genvae_plugins.priors.local import Local
from genvae_plugins.priors.preference import Preference

DIM, COUNT = 8, 3000
BEST_OF_FOUR = 1.029  # the expected largest of four standard normal numbers


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def judged(count: int = COUNT) -> tuple[Tensor, Tensor, Tensor]:
    """Standard normal latents of two genres: one is better the higher the first number, the other the lower it is.

    The second genre's scores are a hundred times as large, and lie elsewhere.
    """
    z = torch.randn(count, DIM, generator=seeded(1))
    genre = torch.arange(count) % 2
    scores = torch.where(genre == 0, z[:, 0], 500 - 100 * z[:, 0])
    return z, genre, scores


@torch.no_grad()
def local(draws: int) -> Local:
    """A prior with one Gaussian a genre, fitted to standard normal latents."""
    prior = Local(LocalOptions(latents=10**6, draws=draws), latent_dim=DIM, genres=["up", "down"])
    z, genre, _ = judged()
    prior.fit(z, genre, generator=seeded(2))
    return prior


@torch.no_grad()
def first_numbers(prior: Local) -> tuple[float, float]:
    """The mean first number of what is drawn of either genre."""
    genre = torch.arange(8000) % 2
    z = prior.sample(genre, generator=seeded(3))
    return float(z[genre == 0, 0].mean()), float(z[genre == 1, 0].mean())


@torch.no_grad()
def test_what_is_drawn_is_nearly_the_best_of_so_many_draws_in_each_genre() -> None:
    prior = local(4)
    assert first_numbers(prior) == pytest.approx((0.0, 0.0), abs=0.05)
    prior.learn_preference(*judged(), generator=seeded())
    up, down = first_numbers(prior)
    assert 0.85 * BEST_OF_FOUR < up < 1.05 * BEST_OF_FOUR
    assert -1.05 * BEST_OF_FOUR < down < -0.85 * BEST_OF_FOUR


@torch.no_grad()
def test_what_no_score_depends_on_hardly_moves() -> None:
    prior = local(4)
    prior.learn_preference(*judged(), generator=seeded())
    others = prior.sample(torch.zeros(8000, dtype=torch.int64), generator=seeded(3))[:, 1:]
    assert others.mean(0).abs().max() < 0.2 * BEST_OF_FOUR
    assert (others.std(0) - 1).abs().max() < 0.05


@torch.no_grad()
def test_verdicts_follow_scores_on_latents_that_were_not_judged() -> None:
    preference = Preference(DIM, 2)
    z, genre, _ = judged()
    assert not preference(z, genre).any()
    preference.learn(*judged(), generator=seeded())
    new = torch.randn(500, DIM, generator=seeded(9))
    for label, sign in ((0, 1.0), (1, -1.0)):
        verdicts = preference(new, torch.full((500,), label))
        assert torch.corrcoef(torch.stack([verdicts, sign * new[:, 0]]))[0, 1] > 0.95


@torch.no_grad()
def test_it_holds_until_the_next_fit() -> None:
    prior = local(4)
    prior.learn_preference(*judged(), generator=seeded())
    z, genre, _ = judged()
    prior.fit(z, genre, generator=seeded(2))
    assert first_numbers(prior) == pytest.approx((0.0, 0.0), abs=0.05)
    assert not prior.preference(z, genre).any()


@torch.no_grad()
def test_a_prior_of_single_draws_prefers_nothing() -> None:
    prior = local(1)
    before = prior.state_dict()
    assert not any("preferring" in name for name in before)
    prior.learn_preference(*judged(), generator=seeded())
    z, genre, _ = judged()
    assert not prior.preference(z, genre).any()
    assert all(torch.equal(value, before[name]) for name, value in prior.state_dict().items())


@torch.no_grad()
def test_it_is_saved_with_the_weights_and_learns_alike_from_the_same_seed() -> None:
    one, other, third = local(4), local(4), local(4)
    for prior in (one, other):
        prior.learn_preference(*judged(), generator=seeded(7))
    third.load_state_dict(one.state_dict())
    genre = torch.tensor([0, 1, 1])
    drawn = [prior.sample(genre, generator=seeded(8)) for prior in (one, other, third)]
    assert torch.equal(drawn[0], drawn[1])
    assert torch.equal(drawn[0], drawn[2])


@torch.no_grad()
def test_few_latents_that_sound_alike_are_no_error() -> None:
    prior = local(3)
    z, genre, scores = judged(4)
    prior.learn_preference(z, genre, torch.zeros_like(scores), generator=seeded())
    assert prior.sample(genre, generator=seeded()).isfinite().all()
