"""`conv-vae`: a residual VAE over time whose channels are frequencies, conditional on genre; the default model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.api import Model, Posterior
from genvae.losses import free_bits
from genvae.spec import FeatureSpec
from genvae_plugins.models import ConvVAEOptions
from genvae_plugins.models.texture import Texture

GENRE_DIM = 32
CONDITION_DIM = 256
GROUPS = 8
DOWNSAMPLINGS = 2  # after the stem, which halves the time axis too
LOG_SCALE_RANGE = (-5.0, 2.0)  # of the likelihood, in units of the features; keeps silence from growing infinite
LOG_VARIANCE_RANGE = (-12.0, 4.0)  # of the posterior


class ResidualBlock(nn.Module):
    """Two convolutions over time, pre-activated, the second one scaled and shifted by a condition (FiLM).

    He et al., Identity Mappings in Deep Residual Networks, 2016; Perez et al., FiLM, 2018. It starts as the identity.
    """

    def __init__(self, width: int, condition_dim: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, width)
        self.conv1 = nn.Conv1d(width, width, 3, padding=1)
        self.norm2 = nn.GroupNorm(GROUPS, width)
        self.conv2 = nn.Conv1d(width, width, 3, padding=1)
        self.film = nn.Linear(condition_dim, 2 * width)
        for layer in (self.conv2, self.film):
            nn.init.zeros_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """[B, width, time] and [B, condition_dim] -> [B, width, time]."""
        scale, shift = self.film(condition).unsqueeze(-1).chunk(2, dim=1)  # [B, width, 1] each
        hidden = self.conv1(F.silu(self.norm1(x)))
        hidden = self.norm2(hidden) * (1 + scale) + shift
        out: Tensor = x + self.conv2(F.silu(hidden))
        return out


class ConvVAE(Model):
    """Frequencies are channels, so that each layer sees the whole spectrum, and convolutions run over time alone.

    Music's pitches stand at fixed bins, so nothing is gained by sharing weights along frequency, and on a processor
    the large matrix products of this layout are fast.

    The likelihood is a Gaussian in log-magnitude whose scale is predicted for every bin and frame: where a sound is
    noise its log-magnitudes can't be predicted, and a fixed scale would make the model spend its capacity there.
    `decode` given a generator draws from that likelihood (see `Texture`), without one it gives the mean.
    """

    steps: Tensor

    def __init__(self, options: ConvVAEOptions, *, spec: FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.options = options
        self.latent_dim = options.latent_dim
        self.max_gradient_norm = 1.0
        self.bins, self.frames = spec.bins, frames
        self.lengths = [frames]  # of the time axis at each resolution
        for _ in range(DOWNSAMPLINGS + 1):
            self.lengths.append(-(-self.lengths[-1] // 2))
        width, neck = options.width, options.neck
        flat = neck * self.lengths[-1]
        self.texture = Texture(spec)

        self.genre = nn.Embedding(len(genres), GENRE_DIM)
        self.stem = nn.Conv1d(self.bins, width, 4, stride=2, padding=1)
        self.down = nn.ModuleList(nn.Conv1d(width, width, 4, stride=2, padding=1) for _ in range(DOWNSAMPLINGS))
        self.encoder = nn.ModuleList(_blocks(options.blocks, width, GENRE_DIM) for _ in range(DOWNSAMPLINGS + 1))
        self.narrow = nn.Conv1d(width, neck, 1)
        self.posterior = nn.Linear(flat, 2 * self.latent_dim)

        self.condition = nn.Linear(self.latent_dim + GENRE_DIM, CONDITION_DIM)
        self.expand = nn.Linear(self.latent_dim + GENRE_DIM, flat)
        self.widen = nn.Conv1d(neck, width, 1)
        self.decoder = nn.ModuleList(_blocks(options.blocks, width, CONDITION_DIM) for _ in range(DOWNSAMPLINGS + 1))
        self.up = nn.ModuleList(nn.Conv1d(width, width, 3, padding=1) for _ in range(DOWNSAMPLINGS))
        self.norm = nn.GroupNorm(GROUPS, width)
        self.head = nn.ConvTranspose1d(width, 2 * self.bins, 4, stride=2, padding=1)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def encode(self, features: Tensor, genre: Tensor) -> Posterior:
        """Features [B, bins, frames] -> the posterior over their latents."""
        condition = self.genre(genre)
        hidden = self.stem(F.pad(features, (0, self.frames % 2)))  # [B, width, frames / 2]
        for level, blocks in enumerate(self.encoder):
            if level:
                hidden = self.down[level - 1](F.pad(hidden, (0, hidden.shape[-1] % 2)))
            for block in blocks:  # type: ignore[attr-defined]  # a ModuleList is iterable
                hidden = block(hidden, condition)
        flat = F.silu(self.narrow(hidden)).flatten(1)  # [B, neck * frames / 8]
        mean, log_variance = self.posterior(flat).float().chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(*LOG_VARIANCE_RANGE))

    def decode(self, z: Tensor, genre: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Latents [B, latent_dim] -> features [B, bins, frames]: the likelihood's mean, or a draw with a generator."""
        mean, log_scale = self.likelihood(z, genre)
        if generator is None or self.options.texture == 0:
            return mean
        drawn: Tensor = self.texture(mean, generator)
        return mean + self.options.texture * log_scale.exp() * drawn

    def likelihood(self, z: Tensor, genre: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of the features that latents stand for, [B, bins, frames] each."""
        given = torch.cat([z, self.genre(genre)], dim=1)
        condition = F.silu(self.condition(given))
        hidden = self.widen(self.expand(given).unflatten(1, (-1, self.lengths[-1])))  # [B, width, frames / 8]
        for level, blocks in enumerate(self.decoder):
            if level:
                longer = F.interpolate(hidden, size=self.lengths[-1 - level], mode="nearest")
                hidden = self.up[level - 1](longer)
            for block in blocks:  # type: ignore[attr-defined]  # a ModuleList is iterable
                hidden = block(hidden, condition)
        out = self.head(F.silu(self.norm(hidden))).float()[..., : self.frames]  # [B, 2 * bins, frames]
        mean, log_scale = out.chunk(2, dim=1)
        return mean, log_scale.clamp(*LOG_SCALE_RANGE)

    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """Negative evidence lower bound in nats per value; the divergence is warmed up and has free bits.

        Warm-up: Bowman et al., Generating Sentences from a Continuous Space, 2016, section 3.1. It counts the batches
        that it was trained on, as batch normalisation does.
        """
        posterior = self.encode(features, genre)
        mean, log_scale = self.likelihood(posterior.sample(generator), genre)
        error = (features - mean) * (-log_scale).exp()
        nll = (0.5 * error.square() + log_scale + 0.5 * math.log(2 * math.pi)).mean()
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


def _blocks(count: int, width: int, condition_dim: int) -> nn.ModuleList:
    return nn.ModuleList(ResidualBlock(width, condition_dim) for _ in range(count))
