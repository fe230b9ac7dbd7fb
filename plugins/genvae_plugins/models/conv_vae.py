"""`conv-vae`: a residual VAE over time whose channels are frequencies, conditional on genre."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.interfaces.model import Model, Posterior
from genvae.losses import free_bits, gaussian_nll
from genvae.spec import FeatureSpec
from genvae_plugins.models import ConvVAEOptions
from genvae_plugins.models.conv_networks import CONDITION_DIM, GENRE_DIM, Decoder, Encoder
from genvae_plugins.models.texture import Texture

LOG_VARIANCE_RANGE = (-12.0, 4.0)  # of the posterior


class ConvVAE(Model):
    """The networks of `conv_networks` around a Gaussian posterior.

    The likelihood is a Gaussian in log-magnitude whose scale is predicted for every bin and frame. `decode` given a
    generator draws from it (see `texture`), without one it gives the mean.
    """

    steps: Tensor

    def __init__(self, options: ConvVAEOptions, *, spec: FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.options = options
        self.latent_dim = options.latent_dim
        self.max_gradient_norm = 1.0
        self.texture = Texture(spec, options.texture)
        self.genre = nn.Embedding(len(genres), GENRE_DIM)
        self.encoder = Encoder(options, bins=spec.bins, frames=frames)
        self.decoder = Decoder(options, bins=spec.bins, frames=frames)
        places = self.decoder.lengths[-1]
        self.posterior = nn.Linear(options.neck * places, 2 * self.latent_dim)
        self.condition = nn.Linear(self.latent_dim + GENRE_DIM, CONDITION_DIM)
        self.expand = nn.Linear(self.latent_dim + GENRE_DIM, options.neck * places)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def encode(self, features: Tensor, genre: Tensor) -> Posterior:
        """Features [B, bins, frames] -> the posterior over their latents."""
        flat = F.silu(self.encoder(features, self.genre(genre))).flatten(1)  # [B, neck * places]
        mean, log_variance = self.posterior(flat).float().chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(*LOG_VARIANCE_RANGE))

    def likelihood(self, z: Tensor, genre: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of the features that latents stand for, [B, bins, frames] each."""
        given = torch.cat([z, self.genre(genre)], dim=1)
        start = self.expand(given).unflatten(1, (-1, self.decoder.lengths[-1]))
        likely: tuple[Tensor, Tensor] = self.decoder(start, F.silu(self.condition(given)))
        return likely

    def decode(self, z: Tensor, genre: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Latents [B, latent_dim] -> features [B, bins, frames]: the likelihood's mean, or a draw with a generator."""
        drawn: Tensor = self.texture(*self.likelihood(z, genre), generator)
        return drawn

    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """Negative evidence lower bound in nats per value; the divergence is warmed up and has free bits.

        Warm-up: Bowman et al., Generating Sentences from a Continuous Space, 2016, section 3.1. It counts the batches
        that it was trained on, as batch normalisation does.
        """
        posterior = self.encode(features, genre)
        z = posterior.sample(generator)
        mean, log_scale = self.likelihood(z, genre)
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

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """One AdamW."""
        return [torch.optim.AdamW(self.parameters(), lr=self.options.learning_rate, betas=(0.9, 0.99))]
