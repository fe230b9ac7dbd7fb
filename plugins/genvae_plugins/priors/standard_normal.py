"""The `standard-normal` prior: the distribution towards which a variational autoencoder draws its posteriors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from genvae import Prior
from genvae.plugin.declarations import NoOptions
from genvae_plugins.priors.per_genre import normal_noise, split_by_genre


class StandardNormal(Prior):
    """Mean zero and variance one in each dimension, for every genre; it learns nothing."""

    def __init__(self, options: NoOptions, *, latent_dim: int, genres: Sequence[str]) -> None:
        super().__init__(options, latent_dim=latent_dim, genres=genres)
        self.latent_dim = latent_dim
        self.genres = tuple(genres)

    def fit(self, z: Tensor, genre: Tensor, *, generator: torch.Generator) -> None:
        """Check latents [N, latent_dim]; there is nothing to learn.

        Raises:
            ValueError: a latent is not finite.
        """
        split_by_genre(z, genre, self.genres)

    def sample(self, genre: Tensor, *, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Draw a latent for each of [B] -> [B, latent_dim]; `temperature` is the standard deviation."""
        return temperature * normal_noise(len(genre), self.latent_dim, generator=generator, device=genre.device)
