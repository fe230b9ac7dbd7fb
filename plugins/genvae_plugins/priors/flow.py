"""The `flow` prior: a learnt way from noise to the latents of a genre, for those that no Gaussians describe."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae import Prior
from genvae.plugin.declarations import NoOptions
from genvae_plugins.flow_matching import flow_matching_loss, integrate_velocity, time_features
from genvae_plugins.priors import FlowOptions
from genvae_plugins.priors.gaussian import Gaussian
from genvae_plugins.priors.per_genre import normal_noise

LEARNING_RATE = 1e-3
BATCH = 256
TIME_DIM = 64
PER_DIMENSION = 10


class Flow(Prior):
    """Flow matching on top of the prior `gaussian`; before `fit`, the standard normal.

    Latents are first brought to the scale of their genre's Gaussian, so that the flow has only to learn what is not
    Gaussian: with no training steps at all, this is that prior.
    """

    enough: Tensor

    def __init__(self, options: FlowOptions, *, latent_dim: int, genres: Sequence[str]) -> None:
        super().__init__(options, latent_dim=latent_dim, genres=genres)
        self.options = options
        self.base = Gaussian(NoOptions(), latent_dim=latent_dim, genres=genres)
        width = options.width
        self.genre = nn.Embedding(len(genres), width)
        self.enter = nn.Linear(latent_dim, width)
        self.time = nn.Linear(TIME_DIM, width)
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(options.depth))
        self.leave = nn.Linear(width, latent_dim)
        self.register_buffer("enough", torch.zeros(len(genres), dtype=torch.bool))
        self._begin(None)

    def fit(self, z: Tensor, genre: Tensor, *, generator: torch.Generator) -> None:
        """Learn from latents [N, latent_dim] and their genres [N]; the generator draws first weights and batches.

        Raises:
            ValueError: a latent is not finite, or a genre has none.
        """
        self.base.fit(z, genre, generator=generator)
        self._begin(generator)
        self.enough.copy_(genre.bincount(minlength=len(self.enough)) >= PER_DIMENSION * z.shape[1])
        z, genre = z[self.enough[genre]], genre[self.enough[genre]]
        if not len(z):
            return
        scaled = self._scaled(z, genre)
        optimizer = torch.optim.AdamW(self.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(self.options.steps, 1))
        with torch.enable_grad():
            for _ in range(self.options.steps):
                chosen = torch.randint(len(z), (BATCH,), generator=generator, device=generator.device)
                velocity = partial(self._velocity, genre[chosen])
                loss = flow_matching_loss(velocity, scaled[chosen], generator=generator).mean()
                optimizer.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
                optimizer.step()
                schedule.step()

    def sample(self, genre: Tensor, *, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Draw a latent for each genre of [B] -> [B, latent_dim]; `temperature` scales the noise it begins at."""
        device = self.base.mean.device
        genre = genre.to(device)
        noise = normal_noise(len(genre), self.base.mean.shape[1], generator=generator, device=device)
        with torch.no_grad():
            scaled = integrate_velocity(partial(self._velocity, genre), temperature * noise, self.options.flow_steps)
        return self.base.mean[genre] + torch.einsum("bij,bj->bi", self.base.scale_tril[genre], scaled)

    def _velocity(self, genre: Tensor, x: Tensor, time: Tensor) -> Tensor:
        """Of points [B, latent_dim] at times [B]."""
        hidden = self.enter(x) + self.time(time_features(time, TIME_DIM)) + self.genre(genre)
        for layer in self.hidden:
            hidden = hidden + layer(F.silu(F.layer_norm(hidden, hidden.shape[-1:])))
        out: Tensor = self.leave(F.silu(hidden)) * self.enough[genre][:, None]
        return out + self._gaussian_velocity(x, time)

    @staticmethod
    def _gaussian_velocity(x: Tensor, time: Tensor) -> Tensor:
        """What the velocity is when the data are standard normal, to which the network adds the difference."""
        t = time[:, None]
        return (2 * t - 1) / ((1 - t).square() + t.square()) * x

    def _scaled(self, z: Tensor, genre: Tensor) -> Tensor:
        """Latents on the scale of their genre's Gaussian, [N, latent_dim]."""
        out = torch.empty_like(self.base.mean[genre])
        for index, (mean, factor) in enumerate(zip(self.base.mean, self.base.scale_tril, strict=True)):
            rows = genre == index
            out[rows] = torch.linalg.solve_triangular(factor, (z[rows].to(mean) - mean).mT, upper=False).mT
        return out

    def _begin(self, generator: torch.Generator | None) -> None:
        """First weights: drawn, but the last layer's are zero, so that it begins as the Gaussian."""
        for layer in (self.enter, self.time, *self.hidden):
            assert isinstance(layer, nn.Linear)
            nn.init.kaiming_uniform_(layer.weight, generator=generator)
            nn.init.zeros_(layer.bias)
        nn.init.normal_(self.genre.weight, generator=generator)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
