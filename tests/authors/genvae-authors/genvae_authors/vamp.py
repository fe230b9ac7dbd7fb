"""A prior that is the average of posteriors of inputs which it makes up and learns.

Tomczak & Welling, VAE with a VampPrior, 2018, section 3, for a model whose training has ended: the inputs begin as what
the model decodes some latents to, and are then moved so that the average is likely to give all latents.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

import genvae
from genvae_authors import VampOptions

BATCH = 256  # latents that a step looks at


class Vamp(genvae.Prior):
    """Of each genre the means [genres, inputs, latent_dim] and factors [genres, inputs, latent_dim, latent_dim]."""

    mean: Tensor
    factor: Tensor

    def __init__(self, options: VampOptions, *, latent_dim: int, genres: Sequence[str]) -> None:
        super().__init__(options, latent_dim=latent_dim, genres=genres)
        self.options, self.genres = options, tuple(genres)
        self.register_buffer("mean", torch.zeros(len(genres), options.inputs, latent_dim))
        self.register_buffer("factor", torch.eye(latent_dim).repeat(len(genres), options.inputs, 1, 1))

    def fit(self, z: Tensor, genre: Tensor, *, generator: torch.Generator) -> None:
        """Become a Gaussian of each genre's latents: without a model there is nothing that could encode inputs."""
        for index, own in self._by_genre(z, genre):
            self.mean[index] = own.mean(0)
            covariance = torch.cov(own.T, correction=0).reshape(2 * own.shape[1:])
            self.factor[index] = torch.linalg.cholesky(covariance + 1e-6 * torch.eye(own.shape[1]))

    def fit_posteriors(
        self,
        posterior: genvae.Posterior,
        z: Tensor,
        genre: Tensor,
        *,
        model: genvae.Model,
        generator: torch.Generator,
    ) -> None:
        """Learn each genre's inputs, and keep what the model encodes them to."""
        for index, own in self._by_genre(z, genre):
            genres = torch.full((self.options.inputs,), index)
            inputs = model.decode(self._some(own, self.options.inputs, generator), genres)
            with torch.enable_grad():
                inputs = inputs.detach().clone().requires_grad_()
                adam = torch.optim.Adam([inputs], lr=self.options.learning_rate)
                for _ in range(self.options.steps):
                    likelihood = log_average(self._some(own, BATCH, generator), model.encode(inputs, genres))
                    [inputs.grad] = torch.autograd.grad(-likelihood.mean(), [inputs])  # the model learns nothing
                    adam.step()
            learnt = model.encode(inputs.detach(), genres)
            self.mean[index] = learnt.mean
            self.factor[index] = torch.diag_embed((0.5 * learnt.log_variance).exp())

    def sample(self, genre: Tensor, *, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """One of the posteriors of each genre of [B], and a draw from it -> [B, latent_dim]."""
        chosen = torch.randint(self.options.inputs, (len(genre),), generator=generator)
        mean = self.mean[genre, chosen]
        noise = torch.randn(mean.shape, generator=generator)
        return mean + temperature * torch.einsum("bij,bj->bi", self.factor[genre, chosen], noise)

    def _by_genre(self, z: Tensor, genre: Tensor) -> list[tuple[int, Tensor]]:
        if not bool(z.isfinite().all()):
            raise ValueError("There are latents that are not finite.")
        found = [(index, z[genre == index]) for index in range(len(self.genres))]
        for index, own in found:
            if not len(own):
                raise ValueError(f"There are no latents of the genre {self.genres[index]!r}.")
        return found

    @staticmethod
    def _some(own: Tensor, count: int, generator: torch.Generator) -> Tensor:
        return own[torch.randint(len(own), (count,), generator=generator)]


def log_average(z: Tensor, posterior: genvae.Posterior) -> Tensor:
    """The logarithm of the average of posteriors [K, latent_dim] at latents [B, latent_dim] -> [B]."""
    apart = (z[:, None] - posterior.mean).square() * (-posterior.log_variance).exp()  # [B, K, latent_dim]
    each = -0.5 * (apart + posterior.log_variance + math.log(2 * math.pi)).sum(dim=2)
    return each.logsumexp(dim=1) - math.log(len(posterior.mean))
