"""The `aggregate` prior: for each genre a mixture of the posteriors of some of its training clips."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from genvae import Model, Posterior, Prior
from genvae_plugins.priors import AggregateOptions
from genvae_plugins.priors.per_genre import normal_noise, require_all, split_by_genre


class Aggregate(Prior):
    """Draws a training clip of the genre, and a latent of its posterior; before it is fitted, the standard normal.

    The prior that a variational autoencoder's bound asks for is the average of all its posteriors, and a mixture of
    some comes near it: Tomczak & Welling, VAE with a VampPrior, 2018, section 3, whose posteriors are those of inputs
    that are learnt. Here they are those of training clips, drawn at random (Norouzi et al., Exemplar VAE, 2020): what
    it draws lies as near to training clips as their posteriors are narrow, which `genvae evaluate` tells as novelty.

    Attributes:
        count: [genres], posteriors of each.
        mean: [genres, posteriors, latent_dim].
        deviation: [genres, posteriors, latent_dim].
    """

    count: Tensor
    mean: Tensor
    deviation: Tensor

    def __init__(self, options: AggregateOptions, *, latent_dim: int, genres: Sequence[str]) -> None:
        super().__init__(options, latent_dim=latent_dim, genres=genres)
        self.options = options
        self.genres = tuple(genres)
        shape = (len(genres), options.posteriors, latent_dim)
        self.register_buffer("count", torch.ones(len(genres), dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("deviation", torch.ones(shape))

    def fit(self, z: Tensor, genre: Tensor, *, generator: torch.Generator) -> None:
        """Learn from latents alone, as if each had a posterior of the width that Scott's rule gives.

        Scott, Multivariate Density Estimation, 1992, section 6.3: the deviation of the genre's latents times
        N^(-1 / (latent_dim + 4)).

        Raises:
            ValueError: a latent is not finite, or a genre has none.
        """
        require_all(split_by_genre(z, genre, self.genres), self.genres)
        widths = torch.ones_like(z)
        for index in range(len(self.genres)):
            own = genre == index
            count = int(own.sum())
            if count > 1:
                used = min(count, self.options.posteriors)
                widths[own] = z[own].std(dim=0) * used ** (-1 / (z.shape[1] + 4))
        self._keep(z, widths, genre, generator)

    def fit_posteriors(
        self, posterior: Posterior, z: Tensor, genre: Tensor, *, model: Model, generator: torch.Generator
    ) -> None:
        """Keep posteriors [N, latent_dim] of training clips with genres [N].

        Raises:
            ValueError: a mean or a deviation is not finite, or a genre has none.
        """
        deviation = (0.5 * posterior.log_variance).exp()
        require_all(split_by_genre(posterior.mean + deviation, genre, self.genres), self.genres)
        self._keep(posterior.mean, deviation, genre, generator)

    def sample(self, genre: Tensor, *, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Draw a latent for each genre of [B] -> [B, latent_dim]; `temperature` scales the posteriors' width."""
        device = self.mean.device
        genre = genre.to(device)
        point = torch.rand(len(genre), generator=generator, device=generator.device).to(device)
        count = self.count[genre]
        chosen = (point * count).long().minimum(count - 1)
        noise = normal_noise(len(genre), self.mean.shape[2], generator=generator, device=device)
        drawn: Tensor = self.mean[genre, chosen] + temperature * noise * self.deviation[genre, chosen]
        return drawn

    def _keep(self, mean: Tensor, deviation: Tensor, genre: Tensor, generator: torch.Generator) -> None:
        self.mean.zero_()
        self.deviation.fill_(1.0)
        for index in range(len(self.genres)):
            own = torch.nonzero(genre == index)[:, 0].cpu()
            order = torch.randperm(len(own), generator=generator, device=generator.device).cpu()
            chosen = own[order[: self.options.posteriors]].to(mean.device)
            self.count[index] = len(chosen)
            self.mean[index, : len(chosen)] = mean[chosen]
            self.deviation[index, : len(chosen)] = deviation[chosen]
