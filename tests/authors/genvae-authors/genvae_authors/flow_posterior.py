"""A VAE whose posterior is an inverse autoregressive flow.

Kingma et al., Improving Variational Inference with Inverse Autoregressive Flow, 2016, section 3 and algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import genvae
from genvae_authors import ModelOptions
from genvae_authors.networks import FlatModel, layers


class Autoregressive(nn.Module):
    """Latents and a context -> a shift and a gate for each latent that depend on those before it alone."""

    before: Tensor
    until: Tensor

    def __init__(self, size: int, context: int) -> None:
        super().__init__()
        self.hidden, self.context = nn.Linear(size, size, bias=False), nn.Linear(context, size)
        self.shift, self.gate = nn.Linear(size, size), nn.Linear(size, size)
        self.register_buffer("before", torch.ones(size, size).tril(-1), persistent=False)
        self.register_buffer("until", torch.ones(size, size).tril(), persistent=False)

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """[B, size], [B, context] -> two of [B, size]."""
        hidden = torch.tanh(nn.functional.linear(z, self.hidden.weight * self.before) + self.context(context))
        shift = nn.functional.linear(hidden, self.shift.weight * self.until, self.shift.bias)
        gate = nn.functional.linear(hidden, self.gate.weight * self.until, self.gate.bias)
        return shift, torch.sigmoid(gate + 2)


@dataclass(frozen=True)
class FlowPosterior(genvae.Posterior):
    """A Gaussian that two steps have bent; `mean` is where its own mean comes to.

    Attributes:
        centre: of the Gaussian, [B, latent_dim].
        context: [B, latent_dim].
        steps: of the flow.
    """

    centre: Tensor
    context: Tensor
    steps: nn.ModuleList

    def sample(self, generator: torch.Generator | None) -> Tensor:
        """Draw a latent for each row, [B, latent_dim]."""
        return self.draw(generator)[0]

    def draw(self, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """A latent for each row, and its log density beyond that of a standard normal, dimension by dimension."""
        noise = torch.randn(self.centre.shape, generator=generator, device=self.centre.device)
        z, log_density = bend(self.centre + noise * (0.5 * self.log_variance).exp(), self.context, self.steps)
        log_density = log_density - 0.5 * noise.square() - 0.5 * self.log_variance
        return z, log_density + 0.5 * z.square()


def bend(z: Tensor, context: Tensor, steps: nn.ModuleList) -> tuple[Tensor, Tensor]:
    """Latents behind the flow, and the logarithm of how much denser they lie there, [B, latent_dim] each."""
    denser = torch.zeros_like(z)
    for step in steps:
        shift, gate = step(z, context)
        z, denser = gate * z + (1 - gate) * shift, denser - gate.log()
        z, denser = z.flip(1), denser.flip(1)  # so that each step sees the other end first
    return z, denser


class FlowPosteriorVAE(FlatModel):
    """Its KL divergence is estimated by the latent that is drawn."""

    def __init__(self, options: ModelOptions, *, spec: genvae.FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.encoder = layers(self.values, options.width, 3 * self.latent_dim)
        self.steps = nn.ModuleList(Autoregressive(self.latent_dim, self.latent_dim) for _ in range(2))

    def encode(self, features: Tensor, genre: Tensor) -> FlowPosterior:
        """Features [B, bins, frames] -> the posterior."""
        centre, log_variance, context = self.encoder(features.flatten(1)).chunk(3, dim=1)
        mean, _ = bend(centre, context, self.steps)
        return FlowPosterior(mean, log_variance.clamp(-10, 4), centre, context, self.steps)

    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """The evidence bound with one draw."""
        z, kl = self.encode(features, genre).draw(generator)
        return self.elbo(features, z, kl, genre)
