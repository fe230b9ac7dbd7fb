"""`wae`: a Wasserstein auto-encoder, whose latents as a whole are normal, though no clip's posterior is made to be."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.interfaces.model import Posterior
from genvae.losses import gaussian_nll, maximum_mean_discrepancy
from genvae.spec import FeatureSpec
from genvae_plugins.models import WAEOptions
from genvae_plugins.models.conv_model import ConvModel

POSTERIOR_LOG_VARIANCE = -12.0  # the encoder is deterministic; a posterior must have some width


class WAE(ConvModel):
    """The networks of `conv-vae`; the batch's latents, not each clip's posterior, are held to the standard normal.

    Tolstikhin et al., Wasserstein Auto-Encoders, 2018 (WAE-MMD).
    """

    def __init__(self, options: WAEOptions, *, spec: FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.options = options
        self.latent = nn.Linear(self.encoded_dim, self.latent_dim)

    def encode(self, features: Tensor, genre: Tensor) -> Posterior:
        """Features [B, bins, frames] -> a posterior of next to no width."""
        mean = self.latent(self.encoded(features, genre)).float()
        return Posterior(mean, torch.full_like(mean, POSTERIOR_LOG_VARIANCE))

    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """Negative log-likelihood in nats per value, and how far the batch's latents are from standard normal ones."""
        z = self.encode(features, genre).mean
        mean, log_scale = self.likelihood(z, genre)
        nll = gaussian_nll(features, mean, log_scale).mean()
        if len(z) > 1:
            apart = maximum_mean_discrepancy(z, torch.randn(z.shape, generator=generator, device=z.device))
        else:  # of a single latent no distribution can be told
            apart = z.new_zeros(())
        total = nll + self.options.discrepancy * apart / features[0].numel()
        return {"loss": total, "nll": nll, "discrepancy": apart, "squared_error": F.mse_loss(mean, features)}
