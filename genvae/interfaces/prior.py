"""Prior: a distribution over the latents of each genre."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from genvae.interfaces.model import Model, Posterior


class Prior(nn.Module, ABC):
    """A distribution over latents for each genre, fitted after the model is trained; all it learns lives in buffers.

    Args:
        options: an instance of the plugin's options dataclass.
        latent_dim: dimensions of the latent space.
        genres: the names of the genres, whose indices `genre` holds.
    """

    def __init__(self, options: Any, *, latent_dim: int, genres: Sequence[str]) -> None:
        super().__init__()

    @abstractmethod
    def fit(self, z: Tensor, genre: Tensor, *, generator: torch.Generator) -> None:
        """Learn from latents [N, latent_dim] drawn from the training clips' posteriors, and their genres [N].

        Raises:
            ValueError: if a latent is not finite.
        """

    def fit_posteriors(
        self, posterior: Posterior, z: Tensor, genre: Tensor, *, model: Model, generator: torch.Generator
    ) -> None:
        """Learn from the training clips' posteriors, for a prior that wants more of them than a draw; else `fit`.

        This is what is called when training has ended, without gradients. By default it is `fit` of the draws.

        Args:
            posterior: of all training clips, [N, latent_dim]: means and variances, whatever else the model's have.
            z: a draw from each, [N, latent_dim].
            genre: of each, [N].
            model: that they are of, on the CPU, to encode or decode what the prior makes up.
            generator: of all that is drawn.

        Raises:
            ValueError: if a latent is not finite.
        """
        self.fit(z, genre, generator=generator)

    @abstractmethod
    def sample(self, genre: Tensor, *, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Draw a latent for each genre of [B] -> [B, latent_dim]; `temperature` scales the spread, 0 gives a centre."""

    def preference(self, z: Tensor, genre: Tensor) -> Tensor:
        """How good the items of latents [N, latent_dim] and genres [N] promise to be, [N]; by default all alike.

        A prior that learns it declares an option `draws`, by default 1, and gives of so many draws the one that it
        prefers.
        """
        return z.new_zeros(len(z))

    def learn_preference(self, z: Tensor, genre: Tensor, scores: Tensor, *, generator: torch.Generator) -> None:
        """Learn what to prefer from scores [N] that items of latents [N, latent_dim] and genres [N] were given.

        Higher is better; scores of one genre mean nothing beside those of another. What was learnt holds until the next
        `fit`. By default nothing is learnt.
        """
