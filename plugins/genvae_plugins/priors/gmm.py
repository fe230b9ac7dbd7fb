"""The `gmm` prior: a mixture of Gaussians over the latents of each genre, which follows where they lie in groups."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from genvae import Prior
from genvae_plugins.priors import GmmOptions
from genvae_plugins.priors.per_genre import (
    Array,
    cholesky,
    normal_noise,
    require_all,
    shrunk_covariances,
    split_by_genre,
)


class Gmm(Prior):
    """A mixture for each genre, fitted by expectation maximisation; before `fit`, the standard normal.

    A full covariance needs more latents than dimensions, so a genre gets only as many components as it can feed with
    latent_dim + 1 latents each; the others have weight zero. One that can feed but one gets the Gaussian of the prior
    `gaussian`.

    Attributes:
        weights: [genres, components]; those above zero come first.
        means: [genres, components, latent_dim].
        scale_tril: [genres, components, latent_dim, latent_dim], the lower Cholesky factors of the covariances.
    """

    weights: Tensor
    means: Tensor
    scale_tril: Tensor

    def __init__(self, options: GmmOptions, *, latent_dim: int, genres: Sequence[str]) -> None:
        super().__init__(options, latent_dim=latent_dim, genres=genres)
        self.options = options
        self.genres = tuple(genres)
        shape = (len(genres), options.components)
        self.register_buffer("weights", torch.eye(1, options.components).repeat(len(genres), 1))
        self.register_buffer("means", torch.zeros(*shape, latent_dim))
        self.register_buffer("scale_tril", torch.eye(latent_dim).repeat(*shape, 1, 1))

    def fit(self, z: Tensor, genre: Tensor, *, generator: torch.Generator) -> None:
        """Learn from latents [N, latent_dim] and their genres [N]; the generator chooses the start of the fit.

        Raises:
            ValueError: a latent is not finite, or a genre has none.
        """
        groups = split_by_genre(z, genre, self.genres)
        require_all(groups, self.genres)
        seeds = torch.randint(2**31, (len(groups),), generator=generator, device=generator.device).tolist()
        single = shrunk_covariances(groups)
        self.weights.zero_()
        self.means.zero_()
        self.scale_tril.copy_(torch.eye(self.means.shape[2], device=self.means.device))
        for index, group in enumerate(groups):
            count = min(self.options.components, len(group) // (group.shape[1] + 1))
            if count > 1:
                weights, means, covariances = self._fit_mixture(group, count, seeds[index])
            else:
                weights, means, covariances = np.ones(1), group.mean(axis=0)[None], single[index][None]
            self.weights[index, : len(weights)] = torch.from_numpy(weights)
            self.means[index, : len(weights)] = torch.from_numpy(means)
            self.scale_tril[index, : len(weights)] = torch.from_numpy(cholesky(covariances))

    def sample(self, genre: Tensor, *, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Draw a latent for each genre of [B] -> [B, latent_dim].

        `temperature` scales the distance from the mean of the component drawn; the components are drawn alike at any.
        """
        device = self.means.device
        genre = genre.to(device)
        point = torch.rand(len(genre), 1, generator=generator, device=generator.device).to(device)
        noise = normal_noise(len(genre), self.means.shape[2], generator=generator, device=device)
        weights = self.weights[genre]  # [B, components]
        component = (point >= weights.cumsum(1)).sum(1)
        component = component.minimum((weights > 0).sum(1) - 1)  # the sum of the weights may round to less than one
        deviation = torch.einsum("bij,bj->bi", self.scale_tril[genre, component], noise)  # [B, latent_dim]
        return self.means[genre, component] + temperature * deviation

    def _fit_mixture(self, latents: Array, count: int, seed: int) -> tuple[Array, Array, Array]:
        """Weights [count], means [count, latent_dim] and covariances of a mixture over latents [N, latent_dim]."""
        # scikit-learn takes a second to import, which only fitting should pay.
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        mixture = GaussianMixture(count, reg_covar=self.options.regularisation, random_state=seed)
        with warnings.catch_warnings():
            # A fit that still moves a little is as good a prior, and groups of equal latents can feed fewer components.
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture.fit(latents)
        return mixture.weights_, mixture.means_, mixture.covariances_
