"""`conv-vae`: a residual VAE over time whose channels are frequencies, conditional on genre."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.attributes import Attribute
from genvae.interfaces.model import Posterior
from genvae.losses import free_bits, gaussian_nll
from genvae.spec import FeatureSpec
from genvae_plugins.models import ConvVAEOptions
from genvae_plugins.models.conv_model import ConvModel

LOG_VARIANCE_RANGE = (-12.0, 4.0)  # of the posterior


class ConvVAE(ConvModel):
    """The networks of `conv_networks` around a Gaussian posterior."""

    steps: Tensor

    def __init__(
        self,
        options: ConvVAEOptions,
        *,
        spec: FeatureSpec,
        frames: int,
        genres: Sequence[str],
        attributes: Sequence[Attribute] = (),
    ) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres, attributes=attributes)
        self.options = options
        self.posterior = nn.Linear(self.encoded_dim, 2 * self.latent_dim)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def encode(self, features: Tensor, genre: Tensor) -> Posterior:
        """Features [B, bins, frames] -> the posterior over their latents."""
        return self._posterior(features, genre, None)

    def _posterior(self, features: Tensor, genre: Tensor, attributes: Tensor | None) -> Posterior:
        encoded = self.encoded(features, genre, attributes)
        mean, log_variance = self.posterior(encoded).float().chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(*LOG_VARIANCE_RANGE))

    def loss(
        self, features: Tensor, genre: Tensor, *, generator: torch.Generator, attributes: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Negative evidence lower bound in nats per value; the KL divergence is warmed up and has free bits.

        Warm-up: Bowman et al., Generating Sentences from a Continuous Space, 2016, section 3.1. It counts the batches
        that it was trained on, as batch normalisation does.

        The encoder is told what the decoder is told, and so learns to leave it out of the latent: only then does the
        decoder heed it. Elsewhere `encode` is told nothing, and the latent holds all.
        """
        posterior = self._posterior(features, genre, attributes)
        z = posterior.sample(generator)
        mean, log_scale = self.likelihood(z, genre, attributes)
        nll = gaussian_nll(features, mean, log_scale).mean()
        kl = posterior.kl()
        warmup = ((self.steps + 1) / (self.options.kl_warmup + 1)).clamp(max=1.0)
        if self.training:
            self.steps += 1
        weighted = self.options.beta * warmup * free_bits(kl, self.options.free_bits)
        return {
            "loss": nll + weighted / features[0].numel(),
            "nll": nll,
            "kl": kl.sum(dim=1).mean(),
            "squared_error": F.mse_loss(mean, features),
        }
