"""The `gaussian` prior: one Gaussian with full covariance over the latents of each genre."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from genvae import Prior
from genvae.plugin.declarations import NoOptions
from genvae_plugins.priors.per_genre import cholesky, normal_noise, require_all, shrunk_covariances, split_by_genre


class Gaussian(Prior):
    """Mean and covariance of each genre's latents; before `fit`, the standard normal.

    Attributes:
        mean: [genres, latent_dim].
        scale_tril: [genres, latent_dim, latent_dim], the lower Cholesky factors of the covariances.
    """

    mean: Tensor
    scale_tril: Tensor

    def __init__(self, options: NoOptions, *, latent_dim: int, genres: Sequence[str]) -> None:
        super().__init__(options, latent_dim=latent_dim, genres=genres)
        self.genres = tuple(genres)
        self.register_buffer("mean", torch.zeros(len(genres), latent_dim))
        self.register_buffer("scale_tril", torch.eye(latent_dim).repeat(len(genres), 1, 1))

    def fit(self, z: Tensor, genre: Tensor, *, generator: torch.Generator) -> None:
        """Learn from latents [N, latent_dim] and their genres [N]; the generator is not used.

        Raises:
            ValueError: a latent is not finite, or a genre has none.
        """
        groups = split_by_genre(z, genre, self.genres)
        require_all(groups, self.genres)
        self.mean.copy_(torch.from_numpy(np.stack([group.mean(axis=0) for group in groups])))
        self.scale_tril.copy_(torch.from_numpy(cholesky(np.stack(shrunk_covariances(groups)))))

    def sample(self, genre: Tensor, *, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Draw a latent for each genre of [B] -> [B, latent_dim]; `temperature` scales the distance from the mean."""
        genre = genre.to(self.mean.device)
        noise = normal_noise(len(genre), self.mean.shape[1], generator=generator, device=self.mean.device)
        deviation = torch.einsum("bij,bj->bi", self.scale_tril[genre], noise)  # [B, latent_dim]
        return self.mean[genre] + temperature * deviation
