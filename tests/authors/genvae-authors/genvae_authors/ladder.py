"""A ladder VAE: what the data say of the lower latents is merged with what the upper ones expect of them.

Sonderby et al., Ladder Variational Autoencoders, 2016, equations 9 to 12.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

import genvae
from genvae.losses import reparameterise
from genvae_authors import ModelOptions
from genvae_authors.networks import FlatModel, layers

Lower = Callable[[Tensor], tuple[Tensor, Tensor, Tensor, Tensor]]
"""Upper latents -> mean and log-variance of the lower ones' posterior, and of their prior."""


@dataclass(frozen=True)
class LadderPosterior(genvae.Posterior):
    """Upper latents, then lower ones, whose distribution depends on the upper ones that were drawn.

    Attributes:
        lower: gives it.
    """

    lower: Lower

    def sample(self, generator: torch.Generator | None) -> Tensor:
        """Draw both, [B, latent_dim]."""
        return self.draw(generator)[0]

    def draw(self, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Both, and the KL divergence of each dimension, [B, latent_dim]."""
        half = self.mean.shape[1] // 2
        upper = genvae.Posterior(self.mean[:, :half], self.log_variance[:, :half])
        above = upper.sample(generator)
        mean, log_variance, expected, spread = self.lower(above)
        below = reparameterise(mean, log_variance, generator)
        apart = ((mean - expected).square() + log_variance.exp()) / spread.exp()
        kl = 0.5 * (apart - 1 + spread - log_variance)
        return torch.cat([above, below], 1), torch.cat([upper.kl(), kl], 1)


class LadderVAE(FlatModel):
    """Half of the latents above, half below."""

    def __init__(self, options: ModelOptions, *, spec: genvae.FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        half = self.latent_dim // 2
        self.first = layers(self.values, options.width, options.width)
        self.to_lower = torch.nn.Linear(options.width, 2 * half)
        self.to_upper = layers(options.width, options.width, 2 * half)
        self.expectation = layers(half, options.width, 2 * half)

    def encode(self, features: Tensor, genre: Tensor) -> LadderPosterior:
        """Features [B, bins, frames] -> the posterior, whose means are those where the upper latents are at theirs."""
        hidden = torch.nn.functional.gelu(self.first(features.flatten(1)))
        mean, log_variance = self.to_upper(hidden).chunk(2, dim=1)
        seen, unsure = self.to_lower(hidden).chunk(2, dim=1)

        def lower(above: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            expected, spread = self.expectation(above).chunk(2, dim=1)
            spread, doubt = spread.clamp(-6, 4), unsure.clamp(-8, 4)
            precision = (-doubt).exp() + (-spread).exp()
            merged = (seen * (-doubt).exp() + expected * (-spread).exp()) / precision
            return merged, -precision.log(), expected, spread

        log_variance = log_variance.clamp(-8, 4)
        below, below_log_variance, _, _ = lower(mean)
        return LadderPosterior(torch.cat([mean, below], 1), torch.cat([log_variance, below_log_variance], 1), lower)

    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """The evidence bound with one draw."""
        z, kl = self.encode(features, genre).draw(generator)
        return self.elbo(features, z, kl, genre)
