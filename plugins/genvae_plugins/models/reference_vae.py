"""`reference-vae`: the architecture of V. Velardo's 'Generating Sound with Neural Networks' (2021), as the baseline."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.interfaces.model import Model, Posterior
from genvae.spec import FeatureSpec
from genvae_plugins.models import ReferenceVAEOptions

BINS = 256
FILTERS = (512, 256, 128, 64, 32)
STRIDES = ((2, 2), (2, 2), (2, 2), (2, 2), (2, 1))
TIME_STRIDE = 16  # product of the strides in time


class ReferenceVAE(Model):
    """Five 3x3 convolutions down to a dense posterior, and their mirror image up to a sigmoid; no conditioning.

    Features must lie in 0..1. Of n_fft = 512 the original drops the highest bin; here its decoded value is that of the
    bin below. The original has 64 frames; others are padded with zeros to a multiple of 16 and cropped again.
    """

    def __init__(self, options: ReferenceVAEOptions, *, spec: FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        spec.require("reference-vae", bins=(BINS, BINS + 1))
        self.options = options
        self.latent_dim = options.latent_dim
        self.bins, self.frames = spec.bins, frames
        self.padding = -frames % TIME_STRIDE
        rows, columns = BINS // 32, (frames + self.padding) // TIME_STRIDE
        self.bottleneck = (FILTERS[-1], rows, columns)
        flat = FILTERS[-1] * rows * columns

        layers: list[nn.Module] = []
        for before, after, stride in zip((1, *FILTERS), FILTERS, STRIDES, strict=False):
            layers += [nn.Conv2d(before, after, 3, stride, padding=1), nn.ReLU()]
            layers += [_batch_norm(after)]
        self.encoder = nn.Sequential(*layers)
        self.mean = nn.Linear(flat, self.latent_dim)
        self.log_variance = nn.Linear(flat, self.latent_dim)

        self.dense = nn.Linear(self.latent_dim, flat)
        layers = []
        for before, after, stride in zip(
            (FILTERS[-1], *reversed(FILTERS[1:])), (*reversed(FILTERS[1:]), 1), reversed(STRIDES), strict=True
        ):
            grow = (stride[0] - 1, stride[1] - 1)  # doubles the axis exactly
            layers += [nn.ConvTranspose2d(before, after, 3, stride, padding=1, output_padding=grow)]
            if after > 1:
                layers += [nn.ReLU(), _batch_norm(after)]
        self.decoder = nn.Sequential(*layers, nn.Sigmoid())
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
        self.to(memory_format=torch.channels_last)

    def encode(self, features: Tensor, genre: Tensor) -> Posterior:
        """Features [B, bins, frames] in 0..1 -> posterior; `genre` is not used."""
        hidden = self.encoder(self._padded(features).unsqueeze(1)).flatten(1)  # [B, flat]
        return Posterior(self.mean(hidden), self.log_variance(hidden))

    def decode(self, z: Tensor, genre: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Latents [B, latent_dim] -> features [B, bins, frames] in 0..1; `genre` is not used, nothing is drawn."""
        hidden = self.dense(z).unflatten(1, self.bottleneck)  # [B, 32, 8, frames/16]
        decoded = self.decoder(hidden).squeeze(1)[..., : self.frames]  # [B, 256, frames]
        missing = self.bins - BINS
        return F.pad(decoded, (0, 0, 0, missing), mode="replicate") if missing else decoded

    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """Mean squared error over bins and frames, weighted against the KL divergence summed over dimensions."""
        posterior = self.encode(features, genre)
        decoded = self.decode(posterior.sample(generator), genre)
        error = F.mse_loss(decoded[:, :BINS], features[:, :BINS])
        kl = posterior.kl().sum(dim=1).mean()
        return {"loss": self.options.reconstruction_weight * error + kl, "squared_error": error, "kl": kl}

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """Adam, at the original's learning rate."""
        return [torch.optim.Adam(self.parameters(), lr=self.options.learning_rate)]

    def _padded(self, features: Tensor) -> Tensor:
        return F.pad(features[:, :BINS], (0, self.padding))


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    """With the constants of Keras, in which the original is written; those of torch differ."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)
