"""What the priors share: latents sorted by genre and checked, covariances of few latents, and noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]


def split_by_genre(z: Tensor, genre: Tensor, genres: Sequence[str]) -> list[Array]:
    """Latents [N, latent_dim] with genres [N] -> those of each genre, in float64.

    Raises:
        ValueError: a latent is not finite; the message names its genre.
    """
    # Cast after the move, as some devices have no float64.
    groups = [z[genre == index].detach().cpu().double().numpy() for index in range(len(genres))]
    for name, group in zip(genres, groups, strict=True):
        bad = int((~np.isfinite(group)).any(axis=1).sum())
        if bad:
            raise ValueError(f"{bad} of the {len(group)} latents of the genre {name!r} are not finite.")
    return groups


def require_all(groups: Sequence[Array], genres: Sequence[str]) -> None:
    """Check that each genre has a latent.

    Raises:
        ValueError: naming the genres that have none.
    """
    empty = [name for name, group in zip(genres, groups, strict=True) if not len(group)]
    if empty:
        raise ValueError(f"There are no latents of the genre {' or '.join(map(repr, empty))} to fit the prior to.")


def shrunk_covariances(groups: Sequence[Array]) -> list[Array]:
    """The covariance [latent_dim, latent_dim] of each group, sound for any number of latents above none.

    Ledoit & Wolf, A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices, 2004. A single latent has
    no covariance: its group takes the one within all the other groups, or the identity if there are no others.
    """
    # scikit-learn takes a second to import, which only fitting should pay.
    from sklearn.covariance import ledoit_wolf

    deviations = [group - group.mean(axis=0) for group in groups if len(group) > 1]
    pooled = np.eye(groups[0].shape[1])
    if deviations and any(len(group) == 1 for group in groups):
        pooled = ledoit_wolf(np.concatenate(deviations), assume_centered=True)[0]
    return [ledoit_wolf(group)[0] if len(group) > 1 else pooled for group in groups]


def cholesky(covariance: Array) -> Array:
    """The lower triangle whose product with its transpose is the covariance [..., latent_dim, latent_dim].

    Latents that don't vary at all in a direction are given a standard deviation of 1e-3 in it.
    """
    factor: Array = np.linalg.cholesky(covariance + 1e-6 * np.eye(covariance.shape[-1])).astype(np.float64)
    return factor


def normal_noise(rows: int, columns: int, *, generator: torch.Generator, device: torch.device) -> Tensor:
    """Standard normal noise [rows, columns] on `device`, whatever the generator's: the same seed, the same noise."""
    return torch.randn(rows, columns, generator=generator, device=generator.device).to(device)
