"""A VAE whose decoder meets a discriminator in the second part of its training; `train.ema` averages its weights.

Larsen et al., Autoencoding beyond Pixels Using a Learned Similarity Metric, 2016; the hinge loss of Lim & Ye, Geometric
GAN, 2017.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

import genvae
from genvae_authors import GanOptions
from genvae_authors.networks import FlatModel, layers


class SpectralGan(FlatModel):
    """The stage follows from the part of the budget that is spent, so a resumed training is in the right one."""

    options: GanOptions

    def __init__(self, options: GanOptions, *, spec: genvae.FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.encoder = layers(self.values, options.width, 2 * self.latent_dim)
        self.discriminator = nn.Sequential(
            nn.Conv1d(spec.bins, options.width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv1d(options.width, 1, 3, padding=1),
        )

    def encode(self, features: Tensor, genre: Tensor) -> genvae.Posterior:
        """Features [B, bins, frames] -> the posterior."""
        mean, log_variance = self.encoder(features.flatten(1)).chunk(2, dim=1)
        return genvae.Posterior(mean, log_variance.clamp(-10, 4))

    def loss(
        self, features: Tensor, genre: Tensor, *, generator: torch.Generator, stage: str = "vae"
    ) -> dict[str, Tensor]:
        """The loss of the VAE, of the VAE against the discriminator, or of the discriminator."""
        posterior = self.encode(features, genre)
        z = posterior.sample(generator)
        if stage == "discriminator":
            made = self.decode(z, genre).detach()
            real, false = self.discriminator(features), self.discriminator(made)
            return {"loss": nn.functional.relu(1 - real).mean() + nn.functional.relu(1 + false).mean()}
        parts = self.elbo(features, z, posterior.kl(), genre)
        if stage == "adversarial":
            verdict = self.discriminator(self.decode(z, genre)).mean()
            parts |= {"loss": parts["loss"] - self.options.adversarial * verdict, "verdict": verdict}
        return parts

    def training_step(self, features: Tensor, genre: Tensor, step: genvae.TrainingStep) -> dict[str, Tensor]:
        """A step of the VAE, and in the second stage one of the discriminator before it."""
        vae, discriminator = step.optimizers
        if step.progress < self.options.first_stage:
            return self._update(vae, features, genre, step)
        judged = self._update(discriminator, features, genre, step, stage="discriminator")
        parts = self._update(vae, features, genre, step, stage="adversarial")
        return {**parts, "discriminator": judged["loss"]}

    def _update(
        self, optimizer: torch.optim.Optimizer, features: Tensor, genre: Tensor, step: genvae.TrainingStep, **stage: Any
    ) -> dict[str, Tensor]:
        parts = step.loss(features, genre, generator=step.generator, **stage)
        optimizer.zero_grad(set_to_none=True)
        step.backward(parts["loss"])
        optimizer.step()
        return parts

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """One for the VAE, one for the discriminator."""
        own = [weight for name, weight in self.named_parameters() if not name.startswith("discriminator.")]
        rate = self.options.learning_rate
        return [
            torch.optim.AdamW(own, lr=rate),
            torch.optim.AdamW(self.discriminator.parameters(), lr=rate, betas=(0.5, 0.9)),
        ]
