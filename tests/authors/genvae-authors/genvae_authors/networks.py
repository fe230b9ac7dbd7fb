"""What the three models share: two layers each way over a clip's features, taken as one long vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

import genvae


def layers(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """A hidden layer between two matrices."""
    return nn.Sequential(nn.Linear(inputs, width), nn.GELU(), nn.Linear(width, outputs))


class FlatModel(genvae.Model):
    """A model with a decoder from latents to all features of a clip, and a squared error as its likelihood."""

    def __init__(self, options: Any, *, spec: genvae.FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.options, self.latent_dim = options, options.latent_dim
        self.shape = (spec.bins, frames)
        self.values = spec.bins * frames
        self.decoder = layers(self.latent_dim, options.width, self.values)

    def decode(self, z: Tensor, genre: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Latents [B, latent_dim] -> features [B, bins, frames]."""
        return self.decoder(z).unflatten(1, self.shape)

    def elbo(self, features: Tensor, z: Tensor, kl: Tensor, genre: Tensor) -> dict[str, Tensor]:
        """The loss for latents [B, latent_dim] and their KL divergences [B, latent_dim]."""
        error = (self.decode(z, genre) - features).square().mean()
        total = kl.sum(dim=1).mean()
        loss = 0.5 * error + self.options.beta * total / self.latent_dim / 10
        return {"loss": loss, "squared_error": error, "kl": total}

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """One AdamW."""
        return [torch.optim.AdamW(self.parameters(), lr=self.options.learning_rate)]
