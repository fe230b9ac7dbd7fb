"""Prior: a distribution over the latents of each genre."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


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

    @abstractmethod
    def sample(self, genre: Tensor, *, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Draw a latent for each genre of [B] -> [B, latent_dim]; `temperature` scales the spread, 0 gives a centre."""
