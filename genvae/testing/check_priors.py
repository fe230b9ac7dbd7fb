"""Checks of priors: latents in, latents of the same distribution out, with every draw from the generator."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from genvae.interfaces.model import Posterior
from genvae.interfaces.prior import Prior
from genvae.plugin.declarations import PriorPlugin
from genvae.testing.check import check
from genvae.testing.failure import CheckFailure, expect, expect_close, expect_shape, seeded
from genvae.testing.partners import pipeline_with
from genvae.testing.reload import reloaded
from genvae.testing.subject import Subject

GENRES = ("one", "two")
DIM = 4
COUNT = 1500  # latents that a prior is fitted to


def _make(subject: Subject) -> Prior:
    prior: Prior = subject.make(latent_dim=DIM, genres=GENRES)
    return prior


def _latents(subject: Subject) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Latents [COUNT, DIM] of two genres, their genres, and the means [2, DIM] and covariances that they were drawn of.

    A prior that does not learn is the standard normal, so for it they are drawn of that.
    """
    means, factors = torch.zeros(2, DIM), torch.eye(DIM).repeat(2, 1, 1)
    if isinstance(subject.plugin, PriorPlugin) and subject.plugin.learns:
        means = torch.tensor([[2.0, -1.0, 0.0, 0.5], [-1.5, 1.0, 2.0, -0.5]])
        factors[:, 1, 0], factors[:, 3, 3], factors[1, 2, 2] = 0.8, 0.4, 1.5
    genre = torch.arange(COUNT) % 2
    noise = torch.randn(COUNT, DIM, generator=seeded())
    z = means[genre] + torch.einsum("bij,bj->bi", factors[genre], noise)
    return z, genre, means, factors @ factors.transpose(1, 2)


def _fitted(subject: Subject) -> Prior:
    """A fitted prior, the same one for every check that only draws from it."""
    if "fitted" not in subject.cache:
        subject.cache["fitted"] = _fit(subject)
    prior: Prior = subject.cache["fitted"]
    return prior


def _fit(subject: Subject) -> Prior:
    with torch.random.fork_rng(devices=[]):  # whose first weights may come from the global generator
        prior = _make(subject)
    z, genre, *_ = _latents(subject)
    with torch.no_grad():  # as when training has ended
        prior.fit(z, genre, generator=seeded())
    return prior


@check
def fits_and_samples(subject: Subject) -> None:
    """After a fit it draws a finite latent for each genre that is asked for."""
    prior = _fitted(subject)
    for genre in (torch.tensor([1, 0, 1]), torch.tensor([0])):
        with torch.no_grad():
            z = prior.sample(genre, generator=seeded())
        expect_shape(z, (len(genre), DIM), "a draw")


@check
def fits_to_posteriors(subject: Subject) -> None:
    """Fitted to posteriors, as a training does, it draws finite latents, too."""
    pipeline = pipeline_with(subject, sample_rate=8000, clip_samples=3840, genres=GENRES).eval()
    mean = torch.randn(COUNT, pipeline.model.latent_dim, generator=seeded())
    posterior, genre = Posterior(mean, torch.full_like(mean, -4.0)), torch.arange(COUNT) % 2
    with torch.no_grad():
        z = posterior.sample(seeded(1))
        pipeline.prior.fit_posteriors(posterior, z, genre, model=pipeline.model, generator=seeded(2))
        drawn = pipeline.prior.sample(torch.tensor([1, 0, 1]), generator=seeded(3))
    expect_shape(drawn, (3, pipeline.model.latent_dim), "a draw")


@check
def leaves_its_input(subject: Subject) -> None:
    """The latents and genres that it is fitted to, and the genres that it draws for, are not changed."""
    prior = _make(subject)
    z, genre, *_ = _latents(subject)
    before = z.clone(), genre.clone()
    with torch.no_grad():
        prior.fit(z, genre, generator=seeded())
        prior.sample(genre, generator=seeded())
    same = torch.equal(z, before[0]) and torch.equal(genre, before[1])
    expect(same, "the latents and genres as they were", "they were changed in place")


@check
def draws_from_the_generator_alone(subject: Subject) -> None:
    """The same seed gives the same latents, another one others, and torch's global generator is left alone."""
    state = torch.get_rng_state()
    one, other = _fit(subject), _fit(subject)
    genre = torch.tensor([0, 1, 1, 0])
    with torch.no_grad():
        first, second = (prior.sample(genre, generator=seeded(5)) for prior in (one, other))
        third = one.sample(genre, generator=seeded(6))
    untouched = torch.equal(torch.get_rng_state(), state)
    expect(untouched, "torch's global generator as it was", "fit or sample draws from it: use `generator`")
    expect_close(first, second, 0, "two fits with one seed, and two draws with one seed, to give the same")
    expect(not torch.equal(first, third), "another seed to give other latents", "the same: use `generator`")


@check
def refuses_nan(subject: Subject) -> None:
    """A latent that is not finite is refused with ValueError."""
    for value in (math.nan, math.inf):
        prior = _make(subject)
        z, genre, *_ = _latents(subject)
        z[7, 2] = value
        try:
            prior.fit(z, genre, generator=seeded())
        except ValueError:
            continue
        raise CheckFailure(f"fit to raise ValueError for a latent of {value}", "it was accepted")


@check
def recovers_a_gaussian(subject: Subject) -> None:
    """Fitted to latents of a known Gaussian for each genre, it draws latents of that mean and covariance."""
    prior = _fitted(subject)
    *_, means, covariances = _latents(subject)
    for index in range(len(GENRES)):
        with torch.no_grad():
            drawn = prior.sample(torch.full((4000,), index), generator=seeded(1)).double()
        spread = covariances[index].diagonal().sqrt()
        off = float(((drawn.mean(0) - means[index]) / spread).abs().max())
        expect(off < 0.3, f"the mean of genre {index} within 0.3 standard deviations", f"it is {off:.2f} away")
        covariance = torch.cov(drawn.T).float()
        apart = float((covariance - covariances[index]).norm() / covariances[index].norm())
        expect(apart < 0.35, f"the covariance of genre {index} within 35 %", f"it is {100 * apart:.0f} % away")


@check
def temperature_scales_the_spread(subject: Subject) -> None:
    """A lower temperature draws nearer to the centres, a higher one further away."""
    prior = _fitted(subject)
    genre = torch.zeros(3000, dtype=torch.int64)
    with torch.no_grad():
        spreads = [
            float(prior.sample(genre, generator=seeded(2), temperature=t).var(dim=0).sum())
            for t in (0.0, 0.5, 1.0, 2.0)
        ]
    rising = all(a < b for a, b in pairwise(spreads))
    shown = ", ".join(f"{spread:.3g}" for spread in spreads)
    expect(rising, "a variance that rises with temperatures of 0, 0.5, 1 and 2", shown)


@check
def reload_equals(subject: Subject) -> None:
    """What was fitted lives in buffers or parameters: saved and loaded into a new one, it draws the same."""
    prior = _fitted(subject)
    fresh = reloaded(prior, _make(subject))
    genre = torch.tensor([0, 1, 1])
    with torch.no_grad():
        one, other = (each.sample(genre, generator=seeded(3)) for each in (prior, fresh))
    expect_close(other, one, 0, "the same draws after saving and loading; what `fit` learns must be in buffers")
