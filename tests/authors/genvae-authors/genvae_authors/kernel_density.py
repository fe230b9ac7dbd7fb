"""A kernel density of each genre's latents, whose kernels are drawn towards the mean so that the covariance stays.

West, Approximating Posterior Distributions by Mixtures, 1993; the bandwidth is Silverman's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

import genvae
from genvae_authors import KernelOptions


class Kernels(genvae.Prior):
    """Latents that were kept [genres, points, latent_dim], how many they are, and each genre's kernel."""

    points: Tensor
    count: Tensor
    kernel: Tensor

    def __init__(self, options: KernelOptions, *, latent_dim: int, genres: Sequence[str]) -> None:
        super().__init__(options, latent_dim=latent_dim, genres=genres)
        self.genres = tuple(genres)
        self.register_buffer("points", torch.zeros(len(genres), options.points, latent_dim))
        self.register_buffer("count", torch.ones(len(genres), dtype=torch.int64))
        self.register_buffer("kernel", torch.eye(latent_dim).repeat(len(genres), 1, 1))

    def fit(self, z: Tensor, genre: Tensor, *, generator: torch.Generator) -> None:
        """Keep latents of each genre, and find its kernel."""
        if not bool(z.isfinite().all()):
            raise ValueError("There are latents that are not finite.")
        dimensions = z.shape[1]
        for index, name in enumerate(self.genres):
            own = z[genre == index]
            if not len(own):
                raise ValueError(f"There are no latents of the genre {name!r}.")
            kept = own[torch.randperm(len(own), generator=generator)[: self.points.shape[1]]]
            width = (4 / (len(kept) * (dimensions + 2))) ** (1 / (dimensions + 4))  # of a kernel, in deviations
            shrunk = kept.mean(0) + (kept - kept.mean(0)) / (1 + width**2) ** 0.5
            self.points[index, : len(kept)], self.count[index] = shrunk, len(kept)
            covariance = torch.cov(kept.T, correction=0).reshape(dimensions, dimensions) + 1e-6 * torch.eye(dimensions)
            self.kernel[index] = width / (1 + width**2) ** 0.5 * torch.linalg.cholesky(covariance)

    def sample(self, genre: Tensor, *, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """A point of each genre of [B], and a draw from its kernel -> [B, latent_dim]."""
        chosen = (torch.rand(len(genre), generator=generator) * self.count[genre]).long()
        points = self.points[genre, chosen]
        centre = torch.stack([self.points[index, : int(self.count[index])].mean(0) for index in genre.tolist()])
        noise = torch.randn(points.shape, generator=generator)
        spread = points - centre + torch.einsum("bij,bj->bi", self.kernel[genre], noise)
        return centre + temperature * spread
