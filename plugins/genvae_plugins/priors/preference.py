"""Which latents make good clips, guessed from the latents alone."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH = 256
STEPS, BATCH, LEARNING_RATE, WEIGHT_DECAY = 1500, 128, 1e-3, 0.5
NOISE = 0.7  # on the latents that it learns from, in their deviations: few were judged
LEAST = 1e-3  # deviation that something is divided by


class Preference(nn.Module):
    """A network of one hidden layer: the higher its verdict, the better the clip of a latent is to be.

    It is a reward model, which learns what a slower judge says of what was made, so that the best of several can be
    chosen before any is (Stiennon et al., Learning to Summarize from Human Feedback, 2020, section 3). Until it has
    learnt, all verdicts are zero.

    Args:
        latent_dim: of the latents.
        genres: how many.

    Attributes:
        centre: [latent_dim], the mean of what it learnt from.
        spread: [latent_dim], its deviations.
        weights: [latent_dim, WIDTH], of the hidden layer.
        begin: [genres, WIDTH], its offsets.
        verdict: [genres, WIDTH], the weights behind it.
    """

    centre: Tensor
    spread: Tensor
    weights: Tensor
    begin: Tensor
    verdict: Tensor

    def __init__(self, latent_dim: int, genres: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(latent_dim))
        self.register_buffer("spread", torch.ones(latent_dim))
        self.register_buffer("weights", torch.zeros(latent_dim, WIDTH))
        self.register_buffer("begin", torch.zeros(genres, WIDTH))
        self.register_buffer("verdict", torch.zeros(genres, WIDTH))

    def forward(self, z: Tensor, genre: Tensor) -> Tensor:
        """Latents [N, latent_dim] of genres [N] -> verdicts [N]."""
        return _judge((z - self.centre) / self.spread, self.weights, self.begin[genre], self.verdict[genre])

    def learn(self, z: Tensor, genre: Tensor, scores: Tensor, *, generator: torch.Generator) -> None:
        """Fit it to scores [N] of the clips of latents [N, latent_dim] and genres [N].

        Their order within a genre is what counts: they become the quantiles of a normal distribution.
        """
        self.centre.copy_(z.mean(dim=0))
        self.spread.copy_(z.std(dim=0, correction=0).clamp_min(LEAST))
        known, aims = (z - self.centre) / self.spread, torch.zeros(len(z))
        for label in range(len(self.verdict)):
            own = genre == label
            ranks = scores[own].argsort().argsort()
            aims[own] = torch.special.ndtri((ranks + 0.5) / len(ranks))
        layers = [
            torch.randn(self.weights.shape, generator=generator) / len(self.weights) ** 0.5,
            0.1 * torch.randn(self.begin.shape, generator=generator),
            torch.zeros_like(self.verdict),
        ]
        optimizer = torch.optim.AdamW(
            [layer.requires_grad_() for layer in layers], LEARNING_RATE, weight_decay=WEIGHT_DECAY
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
        with torch.enable_grad():
            for _ in range(STEPS):
                few = torch.randint(len(known), (BATCH,), generator=generator)
                noisy = known[few] + NOISE * torch.randn(BATCH, known.shape[1], generator=generator)
                weights, begin, verdict = layers
                said = _judge(noisy, weights, begin[genre[few]], verdict[genre[few]])
                loss = F.smooth_l1_loss(said, aims[few])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # torch has no type for it
                optimizer.step()
                schedule.step()
        for buffer, layer in zip((self.weights, self.begin, self.verdict), layers, strict=True):
            buffer.copy_(layer.detach())

    def forget(self) -> None:
        """All verdicts are even again."""
        self.verdict.zero_()


def _judge(standardised: Tensor, weights: Tensor, begin: Tensor, verdict: Tensor) -> Tensor:
    """Latents [N, latent_dim] by layers of their genres, [N, WIDTH] each -> [N]."""
    return (F.gelu(standardised @ weights + begin) * verdict).sum(dim=1)
