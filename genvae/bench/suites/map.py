"""Suite `map`: the two principal components of latents, which every map begins with."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genvae.bench.contest import Call, Case, Contender, Scale, Score
from genvae.bench.suites import Context
from genvae.latents.pca import principal

_SIZES = ((30_000, 128),)
_MORE = ((3_000, 32), (100_000, 128))

Latents = NDArray[np.float32]


def cases(context: Context) -> Iterator[Case]:
    """Latents whose spread falls from dimension to dimension, as those of a trained model do."""
    for count, dimensions in (*_SIZES, *(_MORE if context.thorough else ())):
        latents = _latents(count, dimensions)
        yield Case(
            suite="map",
            name=f"PCA, {count:,} x {dimensions} to 2",
            baseline="genvae",
            scales=[Scale("time", "ms", 1e3, rate=False)],
            score=_error(latents),
            contenders=[
                Contender(name="genvae", make=partial(_genvae, latents)),
                Contender(name="covariance in float32, axes in float64", make=partial(_covariance, latents)),
                Contender(name="torch.pca_lowrank, q=2", make=partial(_torch, latents, 2)),
                Contender(name="torch.pca_lowrank, q=6", make=partial(_torch, latents, 6)),
                *(
                    Contender(name=f"scikit-learn, {solver}", make=partial(_sklearn, latents, solver), peer=True)
                    for solver in ("covariance_eigh", "randomized", "full")
                ),
            ],
        )


def _latents(count: int, dimensions: int) -> Latents:
    generator = np.random.default_rng(0)
    mixing, _ = np.linalg.qr(generator.standard_normal((dimensions, dimensions)))
    spread = 1 / np.sqrt(1 + np.arange(dimensions))
    latents: Latents = (generator.standard_normal((count, dimensions)) * spread @ mixing.T).astype(np.float32)
    return latents


def _genvae(latents: Latents) -> Call:
    values = torch.from_numpy(latents)

    return lambda: principal(values).plane(values).numpy()


def _covariance(latents: Latents) -> Call:
    return lambda: covariance(latents)


def covariance(latents: Latents) -> NDArray[Any]:
    """Latents [N, latent_dim] -> points [N, 2], by the eigenvectors of their covariance."""
    mean = latents.mean(axis=0, dtype=np.float64)
    scatter = latents.T @ latents  # [latent_dim, latent_dim]
    _, vectors = np.linalg.eigh(scatter.astype(np.float64) / len(latents) - np.outer(mean, mean))
    axes = vectors[:, :-3:-1].astype(np.float32)
    points: NDArray[Any] = latents @ axes - (mean @ axes).astype(np.float32)
    return points


def _torch(latents: Latents, rank: int) -> Call:
    values = torch.from_numpy(latents)

    def call() -> object:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            axes = torch.pca_lowrank(values, q=rank)[2][:, :2]
        return ((values - values.mean(0)) @ axes).numpy()

    return call


def _sklearn(latents: Latents, solver: str) -> Call:
    decomposition = importlib.import_module("sklearn.decomposition")
    return lambda: decomposition.PCA(2, svd_solver=solver, random_state=0).fit_transform(latents)


def _error(latents: Latents) -> Any:
    """Scores points by their distance from those of a decomposition in float64, whatever the signs of the axes."""
    exact = latents.astype(np.float64)
    exact -= exact.mean(axis=0)
    axes = np.linalg.eigh(exact.T @ exact)[1][:, :-3:-1]
    reference = exact @ axes

    def score(points: NDArray[Any]) -> Mapping[str, Score]:
        signs = np.sign((points * reference).sum(axis=0))
        apart = np.abs(points * signs - reference).max() / reference.std()
        return {"largest error": Score(100 * float(apart), "% of the spread", "lower")}

    return score
