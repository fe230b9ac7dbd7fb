"""`wae`: a Wasserstein auto-encoder, whose latents as a whole are normal, though no clip's posterior is made to be."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.interfaces.model import Model, Posterior
from genvae.losses import gaussian_nll, maximum_mean_discrepancy
from genvae.spec import FeatureSpec
from genvae_plugins.models import WAEOptions
from genvae_plugins.models.conv_networks import CONDITION_DIM, GENRE_DIM, Decoder, Encoder
from genvae_plugins.models.texture import Texture

POSTERIOR_LOG_VARIANCE = -12.0  # the encoder is deterministic; a posterior must have some width


class WAE(Model):
    """The networks of `conv-vae`; the batch's latents, not each clip's posterior, are held to the standard normal.

    Tolstikhin et al., Wasserstein Auto-Encoders, 2018 (WAE-MMD).
    """

    def __init__(self, options: WAEOptions, *, spec: FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.options = options
        self.latent_dim = options.latent_dim
        self.max_gradient_norm = 1.0
        self.texture = Texture(spec, options.texture)
        self.genre = nn.Embedding(len(genres), GENRE_DIM)
        self.encoder = Encoder(options, bins=spec.bins, frames=frames)
        self.decoder = Decoder(options, bins=spec.bins, frames=frames)
        places = self.decoder.lengths[-1]
        self.latent = nn.Linear(options.neck * places, self.latent_dim)
        self.condition = nn.Linear(self.latent_dim + GENRE_DIM, CONDITION_DIM)
        self.expand = nn.Linear(self.latent_dim + GENRE_DIM, options.neck * places)

    def encode(self, features: Tensor, genre: Tensor) -> Posterior:
        """Features [B, bins, frames] -> a posterior of next to no width."""
        mean = self.latent(F.silu(self.encoder(features, self.genre(genre))).flatten(1)).float()
        return Posterior(mean, torch.full_like(mean, POSTERIOR_LOG_VARIANCE))

    def decode(self, z: Tensor, genre: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Latents [B, latent_dim] -> features [B, bins, frames]: the likelihood's mean, or a draw with a generator."""
        drawn: Tensor = self.texture(*self._likelihood(z, genre), generator)
        return drawn

    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """Negative log-likelihood in nats per value, and how far the batch's latents are from standard normal ones."""
        z = self.encode(features, genre).mean
        mean, log_scale = self._likelihood(z, genre)
        nll = gaussian_nll(features, mean, log_scale).mean()
        if len(z) > 1:
            apart = maximum_mean_discrepancy(z, torch.randn(z.shape, generator=generator, device=z.device))
        else:  # of a single latent no distribution can be told
            apart = z.new_zeros(())
        total = nll + self.options.discrepancy * apart / features[0].numel()
        return {"loss": total, "nll": nll, "discrepancy": apart, "squared_error": F.mse_loss(mean, features)}

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """One AdamW."""
        return [torch.optim.AdamW(self.parameters(), lr=self.options.learning_rate, betas=(0.9, 0.99))]

    def _likelihood(self, z: Tensor, genre: Tensor) -> tuple[Tensor, Tensor]:
        given = torch.cat([z, self.genre(genre)], dim=1)
        start = self.expand(given).unflatten(1, (-1, self.decoder.lengths[-1]))
        likely: tuple[Tensor, Tensor] = self.decoder(start, F.silu(self.condition(given)))
        return likely
