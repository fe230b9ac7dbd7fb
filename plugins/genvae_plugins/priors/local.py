"""The `local` prior: many small Gaussians over the latents of each genre, each with the spread of its neighbourhood."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from genvae import Prior
from genvae_plugins.priors import LocalOptions
from genvae_plugins.priors.per_genre import Array, normal_noise, require_all, shrunk_covariances, split_by_genre
from genvae_plugins.priors.preference import Preference

POOLED = 8.0  # latents that the neighbourhoods' common covariance counts for in each of them


class Local(Prior):
    """A Gaussian for every so many latents of a genre that lie together; before `fit`, the standard normal.

    Latents of music don't fill the space evenly: they lie along sheets of few dimensions that point elsewhere in each
    place. A Gaussian here is a k-means cluster, with the leading directions of its own spread and, in all others, the
    variance that is usual within the clusters of its genre: a mixture of probabilistic principal component analysers
    (Tipping & Bishop, 1999), with clusters in place of its expectation maximisation.

    It may prefer some of its draws to others (see `Preference`), and does so until it is fitted anew.

    Attributes:
        weights: [genres, Gaussians]; those above zero come first.
        means: [genres, Gaussians, latent_dim].
        factors: [genres, Gaussians, rank, latent_dim], the leading directions times the deviations along them.
        rest: [genres, latent_dim], standard deviations of what the factors leave over.
    """

    weights: Tensor
    means: Tensor
    factors: Tensor
    rest: Tensor

    def __init__(self, options: LocalOptions, *, latent_dim: int, genres: Sequence[str]) -> None:
        super().__init__(options, latent_dim=latent_dim, genres=genres)
        self.options = options
        self.genres = tuple(genres)
        count, rank = options.most, min(options.rank, latent_dim)
        self.register_buffer("weights", torch.eye(1, count).repeat(len(genres), 1))
        self.register_buffer("means", torch.zeros(len(genres), count, latent_dim))
        self.register_buffer("factors", torch.zeros(len(genres), count, rank, latent_dim))
        self.register_buffer("rest", torch.ones(len(genres), latent_dim))
        self.preferring = Preference(latent_dim, len(genres)) if options.draws > 1 else None

    def fit(self, z: Tensor, genre: Tensor, *, generator: torch.Generator) -> None:
        """Learn from latents [N, latent_dim] and their genres [N]; the generator chooses the start of the clusters.

        Raises:
            ValueError: a latent is not finite, or a genre has none.
        """
        groups = split_by_genre(z, genre, self.genres)
        require_all(groups, self.genres)
        seeds = torch.randint(2**31, (len(groups),), generator=generator, device=generator.device).tolist()
        clustered = [self._clusters(group, seed) for group, seed in zip(groups, seeds, strict=True)]
        within = shrunk_covariances([_deviations(*each) for each in zip(groups, clustered, strict=True)])
        whole = shrunk_covariances(groups)  # also of a genre with a single latent, which has no covariance itself
        common = [within[i] if len(np.unique(cluster)) > 1 else whole[i] for i, cluster in enumerate(clustered)]
        for buffer in (self.weights, self.means, self.factors):
            buffer.zero_()
        if self.preferring is not None:
            self.preferring.forget()
        for index, (group, cluster, pooled) in enumerate(zip(groups, clustered, common, strict=True)):
            spare = np.zeros_like(pooled)
            for number in range(cluster.max() + 1):
                own = group[cluster == number]
                away = own - own.mean(axis=0)
                factor = self._factor((away.T @ away + POOLED * pooled) / (len(own) + POOLED))
                spare += factor.T @ factor * len(own) / len(group)
                self.weights[index, number] = len(own) / len(group)
                self.means[index, number] = torch.from_numpy(own.mean(axis=0))
                self.factors[index, number] = torch.from_numpy(factor)
            variance = (pooled - spare).diagonal().clip(1e-6)
            self.rest[index] = torch.from_numpy(np.sqrt(variance))

    def sample(self, genre: Tensor, *, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Draw a latent for each genre of [B] -> [B, latent_dim].

        `temperature` scales the distance from the mean of the Gaussian drawn; Gaussians are drawn alike at any.
        """
        if self.preferring is None:
            return self._drawn(genre, generator, temperature)
        draws, many = self.options.draws, genre.repeat_interleave(self.options.draws)
        drawn = self._drawn(many, generator, temperature)
        best = self.preferring(drawn, many.to(drawn.device)).view(-1, draws).argmax(dim=1)
        return drawn[best + draws * torch.arange(len(genre), device=drawn.device)]

    def preference(self, z: Tensor, genre: Tensor) -> Tensor:
        """Latents [N, latent_dim] of genres [N] -> how good their clips promise to be, [N]."""
        if self.preferring is None:
            return super().preference(z, genre)
        verdicts: Tensor = self.preferring(z, genre)
        return verdicts

    def learn_preference(self, z: Tensor, genre: Tensor, scores: Tensor, *, generator: torch.Generator) -> None:
        """Learn from scores [N] of the clips of latents [N, latent_dim] and genres [N]; needs the option `draws`."""
        if self.preferring is None:
            super().learn_preference(z, genre, scores, generator=generator)
        else:
            self.preferring.learn(z, genre, scores, generator=generator)

    def _drawn(self, genre: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
        """Draws for genres [B], whether preferred or not, [B, latent_dim]."""
        device = self.means.device
        genre = genre.to(device)
        point = torch.rand(len(genre), 1, generator=generator, device=generator.device).to(device)
        rank, latent_dim = self.factors.shape[2:]
        noise = normal_noise(len(genre), rank + latent_dim, generator=generator, device=device)
        along, beside = noise[:, :rank], noise[:, rank:]
        weights = self.weights[genre]  # [B, Gaussians]
        chosen = (point >= weights.cumsum(1)).sum(1)
        chosen = chosen.minimum((weights > 0).sum(1) - 1)  # the sum of the weights may round to less than one
        deviation = torch.einsum("br,brd->bd", along, self.factors[genre, chosen]) + self.rest[genre] * beside
        drawn: Tensor = self.means[genre, chosen] + temperature * deviation
        return drawn

    def _clusters(self, group: Array, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The cluster [N] of each latent [N, latent_dim]; none is empty."""
        # scikit-learn takes a second to import, which only fitting should pay.
        from sklearn.cluster import KMeans

        count = min(max(1, len(group) // self.options.latents), self.options.most, len(np.unique(group, axis=0)))
        if count == 1:
            return np.zeros(len(group), dtype=np.int64)
        labels = KMeans(count, n_init=1, max_iter=50, random_state=seed).fit(group).labels_
        return np.unique(labels, return_inverse=True)[1].astype(np.int64)

    def _factor(self, covariance: Array) -> Array:
        """A covariance's leading directions times the deviations along them, [rank, latent_dim]."""
        variance, vectors = np.linalg.eigh(covariance)  # ascending
        rank = self.factors.shape[2]
        # What lies along the leading directions beyond the average of the others: the rest is in every direction.
        floor = variance[:-rank].mean() if rank < len(variance) else 0.0
        deviation: Array = np.sqrt((variance[-rank:] - floor).clip(0.0))
        factor: Array = deviation[:, None] * vectors[:, -rank:].T
        return factor


def _deviations(group: Array, cluster: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Array:
    """Latents [N, latent_dim], each less the mean of its cluster."""
    sums = np.zeros((cluster.max() + 1, group.shape[1]))
    np.add.at(sums, cluster, group)
    deviations: Array = group - (sums / np.bincount(cluster)[:, None])[cluster]
    return deviations
