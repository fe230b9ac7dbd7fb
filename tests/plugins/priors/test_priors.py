"""Every prior against numpy, scikit-learn and known distributions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from sklearn.covariance import ledoit_wolf
from sklearn.mixture import GaussianMixture

from genvae import Model, Posterior, Prior
from genvae.errors import OptionError
from genvae.plugin import options
from genvae.plugin.declarations import NoOptions
from genvae_plugins.priors import AggregateOptions, FlowOptions, GmmOptions, LocalOptions
from genvae_plugins.priors.aggregate import Aggregate
from genvae_plugins.priors.flow import Flow
from genvae_plugins.priors.gaussian import Gaussian
from genvae_plugins.priors.gmm import Gmm
from genvae_plugins.priors.local import Local
from genvae_plugins.priors.standard_normal import StandardNormal

GENRES = ("techno", "rock", "piano")
Make = Callable[..., Prior]


def standard_normal(dim: int, genres: Sequence[str] = GENRES) -> StandardNormal:
    return StandardNormal(NoOptions(), latent_dim=dim, genres=genres)


def gaussian(dim: int, genres: Sequence[str] = GENRES) -> Gaussian:
    return Gaussian(NoOptions(), latent_dim=dim, genres=genres)


def gmm(dim: int, genres: Sequence[str] = GENRES, components: int = 4) -> Gmm:
    return Gmm(GmmOptions(components=components), latent_dim=dim, genres=genres)


def flow(dim: int, genres: Sequence[str] = GENRES, steps: int = 200) -> Flow:
    return Flow(FlowOptions(width=64, depth=2, steps=steps, flow_steps=8), latent_dim=dim, genres=genres)


def local(dim: int, genres: Sequence[str] = GENRES, count: int = 24, rank: int = 2) -> Local:
    return Local(LocalOptions(latents=count, rank=rank), latent_dim=dim, genres=genres)


def aggregate(dim: int, genres: Sequence[str] = GENRES, posteriors: int = 2000) -> Aggregate:
    return Aggregate(AggregateOptions(posteriors=posteriors), latent_dim=dim, genres=genres)


every_prior = pytest.mark.parametrize("make", [standard_normal, gaussian, gmm, local, aggregate, flow])
fitted_prior = pytest.mark.parametrize("make", [gaussian, gmm, local, aggregate, flow])
smooth_prior = pytest.mark.parametrize("make", [gaussian, gmm, local, flow])  # with a covariance of its own
linear_prior = pytest.mark.parametrize("make", [standard_normal, gaussian, gmm, local, aggregate])


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def latents(count: int, dim: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Correlated latents around a centre for each of three genres: [count, dim] and [count]."""
    generator = seeded(seed)
    genre = torch.arange(count) % 3
    mix = torch.randn(3, dim, dim, generator=generator)
    centre = 3 * torch.randn(3, dim, generator=generator)
    noise = torch.randn(count, dim, generator=generator)
    return centre[genre] + torch.einsum("bij,bj->bi", mix[genre], noise), genre


@every_prior
def test_before_fitting_it_is_the_standard_normal(make: Make) -> None:
    z = make(3).sample(torch.arange(30000) % 3, generator=seeded())
    assert z.mean(0).abs().max() < 0.03
    torch.testing.assert_close(torch.from_numpy(np.cov(z.T.numpy())).float(), torch.eye(3), atol=0.04, rtol=0)


@every_prior
def test_draws_depend_on_the_generator_alone(make: Make) -> None:
    prior = make(5)
    prior.fit(*latents(300, 5), generator=seeded())
    genre = torch.tensor([2, 0, 1, 1])
    state = torch.random.get_rng_state()
    first = prior.sample(genre, generator=seeded(1))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(prior.sample(genre, generator=seeded(1)), first)
    assert not torch.equal(prior.sample(genre, generator=seeded(2)), first)


@every_prior
def test_a_draw_does_not_depend_on_the_genres_of_the_other_rows(make: Make) -> None:
    prior = make(5)
    prior.fit(*latents(300, 5), generator=seeded())
    one = prior.sample(torch.tensor([2, 0, 0]), generator=seeded(1))
    other = prior.sample(torch.tensor([2, 1, 2]), generator=seeded(1))
    torch.testing.assert_close(one[0], other[0])


@linear_prior
def test_temperature_scales_the_distance_from_a_centre(make: Make) -> None:
    prior = make(4)
    prior.fit(*latents(300, 4), generator=seeded())
    genre = torch.arange(60) % 3
    centre, near, far = (prior.sample(genre, generator=seeded(5), temperature=t) for t in (0.0, 0.5, 2.0))
    torch.testing.assert_close(far - centre, 4 * (near - centre), atol=1e-4, rtol=1e-4)
    centres = {
        StandardNormal: lambda g: torch.zeros(1, 4),
        Gaussian: lambda g: prior.mean[g][None],
        Gmm: lambda g: prior.means[g],
        Local: lambda g: prior.means[g],
        Aggregate: lambda g: prior.mean[g],
    }[type(prior)]
    for g, row in zip(genre.tolist(), centre, strict=True):
        assert (row == centres(g)).all(1).any()


@every_prior
def test_a_state_dict_carries_the_fit_into_a_fresh_prior(make: Make) -> None:
    fitted, fresh = make(5), make(5)
    fitted.fit(*latents(300, 5), generator=seeded())
    fresh.load_state_dict(fitted.state_dict())
    genre = torch.arange(9) % 3
    assert torch.equal(fresh.sample(genre, generator=seeded(1)), fitted.sample(genre, generator=seeded(1)))


@every_prior
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_latent_that_is_not_finite_is_refused_with_its_genre(make: Make, value: float) -> None:
    z, genre = latents(60, 4)
    z[7, 2] = value  # the eighth latent is of the second genre
    with pytest.raises(ValueError, match=r"\b1 of the 20 latents of the genre 'rock'"):
        make(4).fit(z, genre, generator=seeded())


@fitted_prior
def test_a_genre_without_latents_is_refused_by_name(make: Make) -> None:
    z, genre = latents(60, 4)
    with pytest.raises(ValueError, match="'piano'"):
        make(4).fit(z[genre != 2], genre[genre != 2], generator=seeded())


@smooth_prior
def test_draws_have_the_mean_and_the_covariance_of_each_genre(make: Make) -> None:
    z, genre = latents(6000, 4)
    prior = make(4)
    prior.fit(z, genre, generator=seeded())
    for g in range(3):
        own = z[genre == g].numpy()
        drawn = prior.sample(torch.full((40000,), g), generator=seeded(1)).numpy()
        scale = np.sqrt(np.trace(np.cov(own.T)))
        assert np.abs(drawn.mean(0) - own.mean(0)).max() < 0.03 * scale
        assert np.abs(np.cov(drawn.T) - np.cov(own.T)).max() < 0.04 * scale**2


@fitted_prior
def test_fewer_latents_than_dimensions_still_make_a_prior(make: Make) -> None:
    z, genre = latents(3 * 10, 32)
    prior = make(32)
    prior.fit(z, genre, generator=seeded())
    drawn = prior.sample(torch.zeros(500, dtype=torch.int64), generator=seeded())
    assert drawn.isfinite().all()
    assert np.linalg.matrix_rank(np.cov(drawn.T.numpy())) == 32  # ten latents alone span nine dimensions


@fitted_prior
def test_equal_latents_make_a_prior_that_stays_near_them(make: Make) -> None:
    prior = make(3, genres=("one",))
    prior.fit(torch.full((40, 3), 2.0), torch.zeros(40, dtype=torch.int64), generator=seeded())
    drawn = prior.sample(torch.zeros(100, dtype=torch.int64), generator=seeded())
    assert (drawn - 2).abs().max() < 0.3


def test_gaussian_shrinks_as_scikit_learn_does() -> None:
    z, genre = latents(60, 8)
    prior = gaussian(8)
    prior.fit(z, genre, generator=seeded())
    for g in range(3):
        covariance = (prior.scale_tril[g] @ prior.scale_tril[g].T).numpy()
        np.testing.assert_allclose(covariance, ledoit_wolf(z[genre == g].numpy())[0], rtol=1e-3, atol=1e-3)


@smooth_prior
def test_a_single_latent_takes_the_covariance_within_the_other_genres(make: Make) -> None:
    z, genre = latents(3000, 3)
    keep = (genre != 2) | (torch.arange(3000) == 2)
    z, genre = z[keep], genre[keep]
    prior = make(3)
    prior.fit(z, genre, generator=seeded())
    drawn = prior.sample(torch.full((40000,), 2), generator=seeded(1)).numpy()
    np.testing.assert_allclose(drawn.mean(0), z[genre == 2][0].numpy(), atol=0.1)
    within = (np.cov(z[genre == 0].T.numpy()) + np.cov(z[genre == 1].T.numpy())) / 2
    np.testing.assert_allclose(np.cov(drawn.T), within, atol=0.06 * np.trace(within))


def test_one_latent_a_genre_takes_the_identity() -> None:
    prior = gaussian(3)
    prior.fit(torch.eye(3), torch.arange(3), generator=seeded())
    torch.testing.assert_close(prior.scale_tril, torch.eye(3).expand(3, 3, 3))
    torch.testing.assert_close(prior.mean, torch.eye(3))


def test_gmm_finds_the_groups_that_a_gaussian_blurs() -> None:
    generator = seeded()
    centres = torch.tensor([[-6.0, 0.0], [6.0, 0.0], [0.0, 9.0]])
    group = torch.multinomial(torch.tensor([0.5, 0.3, 0.2]), 3000, replacement=True, generator=generator)
    z = centres[group] + 0.5 * torch.randn(3000, 2, generator=generator)
    prior = gmm(2, genres=("one",), components=3)
    prior.fit(z, torch.zeros(3000, dtype=torch.int64), generator=seeded())
    order = torch.cdist(centres, prior.means[0]).argmin(1)
    torch.testing.assert_close(prior.means[0, order], centres, atol=0.1, rtol=0)
    torch.testing.assert_close(prior.weights[0, order], torch.tensor([0.5, 0.3, 0.2]), atol=0.03, rtol=0)
    drawn = prior.sample(torch.zeros(20000, dtype=torch.int64), generator=seeded(1))
    distance, nearest = torch.cdist(drawn, centres).min(1)
    assert distance.max() < 4  # nothing in between
    share = nearest.bincount(minlength=3) / 20000
    torch.testing.assert_close(share, torch.tensor([0.5, 0.3, 0.2]), atol=0.03, rtol=0)


def test_gmm_draws_are_as_likely_as_those_of_scikit_learn() -> None:
    z, genre = latents(3000, 4)
    z = torch.cat([z, z.flip(0) + 8])
    genre = torch.cat([genre, genre.flip(0)])
    prior = gmm(4, components=2)
    prior.fit(z, genre, generator=seeded())
    own = z[genre == 1].numpy()
    reference = GaussianMixture(2, random_state=0, reg_covar=1e-3).fit(own)
    drawn = prior.sample(torch.ones(20000, dtype=torch.int64), generator=seeded(1)).numpy()
    assert reference.score(drawn) == pytest.approx(reference.score(reference.sample(20000)[0]), abs=0.1)


def test_gmm_gives_a_small_genre_fewer_components_and_never_draws_the_others() -> None:
    z, genre = latents(1200, 4)
    keep = (genre != 1) | (torch.arange(1200) < 33)  # 11 latents of the second genre: two components of five each
    prior = gmm(4, components=6)
    prior.fit(z[keep], genre[keep], generator=seeded())
    assert (prior.weights > 0).sum(1).tolist() == [6, 2, 6]
    torch.testing.assert_close(prior.weights.sum(1), torch.ones(3))
    centres = prior.sample(torch.ones(5000, dtype=torch.int64), generator=seeded(), temperature=0.0)
    assert len(centres.unique(dim=0)) == 2
    assert (torch.cdist(centres, prior.means[1, :2]).min(1).values < 1e-6).all()


def test_gmm_never_draws_an_empty_component_though_weights_round_below_one() -> None:
    prior = gmm(2, genres=("one",), components=3)
    prior.weights.copy_(torch.tensor([[0.4, 0.1, 0.0]]))  # half of all draws fall beyond their sum
    prior.means.copy_(torch.tensor([[[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]]))
    centres = prior.sample(torch.zeros(1000, dtype=torch.int64), generator=seeded(), temperature=0.0)
    assert set(centres[:, 0].tolist()) == {1.0, 2.0}


def test_gmm_fits_alike_from_the_same_generator_and_forgets_an_earlier_fit() -> None:
    z, genre = latents(600, 4)
    first, second = gmm(4), gmm(4)
    second.fit(z, genre, generator=seeded(9))  # four components each, where the next fit has two
    first.fit(z[:36], genre[:36], generator=seeded(1))
    second.fit(z[:36], genre[:36], generator=seeded(1))
    assert (first.weights > 0).sum(1).tolist() == [2, 2, 2]
    for name, buffer in first.named_buffers():
        assert torch.equal(buffer, second.get_buffer(name)), name


def test_flow_without_training_steps_is_the_gaussian() -> None:
    z, genre = latents(300, 4)
    untrained, reference = flow(4, steps=0), gaussian(4)
    untrained.fit(z, genre, generator=seeded())
    reference.fit(z, genre, generator=seeded())
    labels = torch.arange(50) % 3
    drawn, expected = (prior.sample(labels, generator=seeded(1)) for prior in (untrained, reference))
    torch.testing.assert_close(drawn, expected, atol=0.05, rtol=0.02)  # but for the steps in which it walks


def test_flow_finds_the_ring_that_a_gaussian_fills() -> None:
    angle = 2 * math.pi * torch.rand(4000, generator=seeded())
    z = torch.stack([5 * angle.cos(), 3 * angle.sin()], 1) + 0.1 * torch.randn(4000, 2, generator=seeded(1))
    label = torch.zeros(4000, dtype=torch.int64)
    prior = flow(2, genres=("one",), steps=800)
    prior.fit(z, label, generator=seeded())
    radius = (prior.sample(label, generator=seeded(2)) / torch.tensor([5.0, 3.0])).norm(dim=1)
    assert (radius < 0.5).float().mean() < 0.05  # of the Gaussian with this covariance a fifth lies there
    assert abs(radius.median().item() - 1) < 0.1


def test_flow_fits_alike_from_the_same_generator_and_forgets_an_earlier_fit() -> None:
    z, genre = latents(300, 4)
    first, second = flow(4), flow(4)
    second.fit(z + 5, genre, generator=seeded(9))
    first.fit(z, genre, generator=seeded(1))
    second.fit(z, genre, generator=seeded(1))
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


@pytest.mark.parametrize(("name", "value"), [("components", 0), ("regularisation", 0.0), ("regularisation", "nan")])
def test_senseless_options_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(OptionError, match=name):
        options.build(GmmOptions, {name: value}, where="prior")


def test_local_gaussians_follow_a_curve_on_which_one_gaussian_is_wrong() -> None:
    generator = seeded()
    angle = 2 * math.pi * torch.rand(6000, generator=generator)
    circle = 4 * torch.stack([angle.cos(), angle.sin()], 1)
    z = torch.cat(
        [circle + 0.1 * torch.randn(6000, 2, generator=generator), torch.randn(6000, 6, generator=generator)], 1
    )
    prior = local(8, ["circle"], count=60, rank=1)
    prior.fit(z, torch.zeros(6000, dtype=torch.long), generator=seeded(1))
    drawn = prior.sample(torch.zeros(4000, dtype=torch.long), generator=seeded(2))
    radius = drawn[:, :2].norm(dim=1)
    assert abs(float(radius.mean()) - 4) < 0.2
    assert float((radius < 2.5).float().mean()) < 0.02
    spread = np.cov(drawn.T.numpy())
    np.testing.assert_allclose(spread, np.cov(z.T.numpy()), atol=0.35)


def test_local_gaussians_have_the_covariance_of_the_latents_within_them() -> None:
    z, genre = latents(3000, 6)
    prior = local(6, count=3000, rank=6)  # one for each genre
    prior.fit(z, genre, generator=seeded())
    for index in range(3):
        drawn = prior.sample(torch.full((40000,), index), generator=seeded(index))
        expected = torch.from_numpy(np.cov(z[genre == index].T.numpy())).float()
        apart = torch.from_numpy(np.cov(drawn.T.numpy())).float() - expected
        assert float(apart.norm() / expected.norm()) < 0.05


def test_aggregate_draws_from_the_posteriors_of_its_genre_and_no_more_than_it_keeps() -> None:
    generator = seeded(1)
    mean = 10 * torch.randn(300, 5, generator=generator)
    deviation = 0.01 + 0.1 * torch.rand(300, 5, generator=generator)
    genre = torch.arange(300) % 3
    posterior, model = Posterior(mean, 2 * deviation.log()), Untouched()
    prior = aggregate(5, posteriors=40)
    prior.fit_posteriors(posterior, posterior.sample(seeded()), genre, model=model, generator=seeded())
    drawn = prior.sample(torch.ones(6000, dtype=torch.int64), generator=seeded())
    own, widths = mean[genre == 1], deviation[genre == 1]
    nearest = torch.cdist(drawn, own).argmin(dim=1)
    kept = nearest.unique(return_counts=True)
    assert len(kept[0]) == 40
    assert kept[1].min() > 90  # of 150, each as likely as the other
    scores = ((drawn - own[nearest]) / widths[nearest]).flatten()
    assert abs(float(scores.mean())) < 0.03
    assert abs(float(scores.std()) - 1) < 0.02
    centre = prior.sample(torch.ones(50, dtype=torch.int64), generator=seeded(), temperature=0.0)
    assert (centre[:, None] == own).all(dim=2).any(dim=1).all()


def test_aggregate_of_latents_alone_is_as_wide_as_scott_s_rule_says() -> None:
    z, genre = latents(6000, 4)
    prior = aggregate(4)
    prior.fit(z, genre, generator=seeded())
    for g in range(3):
        own = np.cov(z[genre == g].T.numpy())
        drawn = np.cov(prior.sample(torch.full((40000,), g), generator=seeded(1)).T.numpy())
        kernel = np.diag(own.diagonal()) * 2000 ** (-2 / 8)
        assert np.abs(drawn - own - kernel).max() < 0.04 * np.trace(own)


class Untouched(Model):
    """A model that no prior of ours asks for anything."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)

    def loss(self, *_: object, **__: object) -> dict[str, torch.Tensor]:
        raise AssertionError

    encode = decode = loss  # type: ignore[assignment]
