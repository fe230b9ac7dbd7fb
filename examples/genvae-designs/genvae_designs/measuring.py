"""A trained run, measured on bottles that it has not seen; and the directions along which their factors grow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import genvae
from genvae import ClipStore
from genvae.errors import GenvaeError
from genvae_designs import scores
from genvae_designs.bottles import FACTORS, SIZE, draw, random_factors
from genvae_designs.items import Pictures

Greys = NDArray[np.float32]
Floats = NDArray[np.float64]

_UNSEEN = 2**40  # seed of bottles to measure with, which no store is likely to hold
_REACH = 2.0  # standard deviations from the middle of a direction to its ends


class Measured:
    """A run of pictures, and what it makes of bottles that it has not seen.

    Args:
        path: of the run.
        count: of the bottles.

    Raises:
        GenvaeError: the run makes no pictures, is unfinished or damaged.

    Attributes:
        genre: the run's first kind of design.
        factors: of the bottles, [count, 10].
        pictures: of the bottles, [count, 128, 128].
        latents: the means of their posteriors, [count, latent_dim].
    """

    def __init__(self, path: Path, count: int) -> None:
        self._run = genvae.load(path)
        if not isinstance(self._run.kind, Pictures):
            raise GenvaeError(f"{path} makes no pictures: name a run that was trained on some.")
        self.genre = self._run.genres[0]
        self.factors = random_factors(count, _UNSEEN)
        self.pictures = draw(self.factors)
        self.latents = self.encode(self.pictures)

    def encode(self, pictures: Greys) -> Floats:
        """Pictures [N, 128, 128] -> the means of their posteriors, [N, latent_dim]."""
        return np.stack([self._run.encode(each, self.genre).latents[0].double().numpy() for each in pictures])

    def decode(self, z: Floats) -> Greys:
        """Latents [N, latent_dim] -> pictures [N, 128, 128]."""
        rows = torch.as_tensor(z, dtype=torch.float32)
        return np.stack([self._run.decode(row, self.genre).wave.numpy() for row in rows])

    def scores(self, store: ClipStore) -> dict[str, Any]:
        """All scores; see `scores`."""
        count = len(self.factors)
        training = store.values(store.select(split="train"))
        new = np.stack([each.wave.numpy() for each in self._run.generate(self.genre, seed=0, count=count)])
        return {
            "recovered": scores.recovered(self.latents, self.factors),
            "explained": scores.named_directions(self.latents, self.factors)[1],
            "reconstruction": scores.reconstruction(self.pictures, self.decode(self.latents)),
            **scores.distances(new, training, self.pictures),
        }

    def directions(self, steps: int) -> tuple[Greys, dict[str, float]]:
        """What the decoder makes along each factor's direction, and the R² by factor.

        Returns:
            [10 * 128, steps * 128], a row of designs for each factor, two standard deviations to either side of the
            mean; and the shares of the factors' variances that the directions explain.
        """
        units, explained = scores.named_directions(self.latents, self.factors)  # [10, D]
        centred = self.latents - self.latents.mean(axis=0)
        spread = (centred @ units.T).std(axis=0)  # [10]
        way = np.linspace(-_REACH, _REACH, steps)
        z = self.latents.mean(axis=0) + way[None, :, None] * (spread[:, None] * units)[:, None, :]  # [10, steps, D]
        made = self.decode(z.reshape(-1, z.shape[-1])).reshape(len(FACTORS), steps, SIZE, SIZE)
        return made.transpose(0, 2, 1, 3).reshape(len(FACTORS) * SIZE, steps * SIZE), explained
