"""The map of a run: a plane on which every training clip has its point, with ways from a latent to a point and back.

`map.safetensors` in the run folder holds the training latents in 8 bits a number, their principal axes, each method's
points, and how the clips sound. Loading and using a map needs neither umap nor scikit-learn; only making one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from genvae.errors import Cure, RunError
from genvae.latents import near
from genvae.latents.heard import QUALITIES
from genvae.latents.pca import Principal
from genvae.run import Run
from genvae.synthesis.latent_path import mix

METHODS = ("pca", "umap")
NEIGHBOURS = 8
"""How many training clips say what lies at a place between them, and whether it is lonely there."""

LARGEST = 1e9
"""No latent has larger numbers; the squares of some could not be told from infinity."""


@dataclass(frozen=True)
class LatentMap:
    """A two-dimensional projection of a run's training latents.

    Attributes:
        method: `pca` or `umap`.
        points: [N, 2] float32, where the training clips lie.
        genre: [N] int64, indices into the run's genres.
        clip: [N] int64, the clips' numbers in the store.
        explained: the shares of the variance along the two axes, where they have one.
        latents: [N, latent_dim] float32, the clips' posterior means.
        principal: their principal components.
        reach: beyond this distance from its eighth neighbour, a place is lonely.
        heard: how the clips sound, [N] each by its name (see `heard.py`); empty for maps of earlier versions.
    """

    method: str
    points: Tensor
    genre: Tensor
    clip: Tensor
    explained: tuple[float, float] | None
    latents: Tensor
    principal: Principal
    reach: float
    heard: Mapping[str, Tensor]

    @classmethod
    def load(cls, run: Run, method: str) -> Self:
        """The map of a run.

        Raises:
            RunError: it was never made, or is damaged.
        """
        held = read(run)
        if held is None or f"{method}.points" not in held:
            if method not in METHODS:
                raise RunError(f"There is no map {method!r}. There are {' and '.join(METHODS)}.")
            raise RunError(f"{run.path} has no {method} map.", cure=Cure.of("make_map", run=run.path, method=method))
        components = Principal(held["mean"], held["axes"], held["deviation"])
        latents = held["latent"].float() * held["step"] + held["mean"].float()
        shares = components.explained
        explained = (float(shares[0]), float(shares[1])) if method == "pca" else None
        return cls(
            method,
            held[f"{method}.points"],
            held["genre"].long(),
            held["clip"].long(),
            explained,
            latents,
            components,
            float(held[f"{method}.reach"]),
            {name: held[name].float() for name in QUALITIES if name in held},
        )

    def place(self, z: Tensor) -> Tensor:
        """Where latents [B, latent_dim] lie, [B, 2]: each by itself, so that a point does not depend on the batch.

        With PCA their projection, exact; with UMAP the weighted mean of the points of the training clips whose latents
        are nearest, since UMAP's own way depends on what else it is asked to place.
        """
        return torch.stack([self._place(each) for each in z.float()]) if len(z) else z.new_zeros(0, 2)

    def invert(self, points: Tensor) -> Tensor:
        """Latents [B, latent_dim] that lie at points [B, 2] of the map; at a training clip's point, that clip's.

        What the plane does not say is taken from the nearest clips. With PCA `place` gives the points back exactly.
        """
        rows = [self._invert(each) for each in points.float()]
        return torch.stack(rows) if rows else points.new_zeros(0, self.latents.shape[1])

    def neighbours(self, points: Tensor, k: int = NEIGHBOURS) -> tuple[Tensor, Tensor]:
        """The training clips nearest to points [B, 2] on the map, nearest first: indices [B, k] and distances [B, k].

        Indices into `points`, `genre` and `clip`; k is at most the number of clips.
        """
        matches = [near.nearest(self.points, each, k) for each in points.float()]
        if not matches:
            return torch.zeros(0, k, dtype=torch.int64), torch.zeros(0, k)
        indices, distances = zip(*matches, strict=True)
        return torch.stack(indices), torch.stack(distances)

    def sparse(self, points: Tensor) -> Tensor:
        """Whether training clips are sparse around points [B, 2], [B] bool.

        That is where the eighth neighbour is farther away than it is for 99 % of the training clips.
        """
        _, distances = self.neighbours(points)
        return distances[:, -1] > self.reach

    def _place(self, z: Tensor) -> Tensor:
        if self._plane is not None:
            return (self._plane @ (z.double() - self.principal.mean)).float()
        indices, distances = near.nearest(self.latents, z, NEIGHBOURS)
        return near.weights(distances) @ self.points[indices]

    def _invert(self, point: Tensor) -> Tensor:
        indices, distances = near.nearest(self.points, point, NEIGHBOURS)
        latents, shares = self.latents[indices].double(), near.weights(distances).double()  # [k, latent_dim], [k]
        if self._plane is None:
            return mix(latents, shares).float()
        centred = latents - self.principal.mean
        beside = centred - centred @ self._plane.T @ self._plane  # what the plane does not say
        return (self.principal.mean + point.double() @ self._plane + mix(beside, shares)).float()

    @property
    def _plane(self) -> Tensor | None:
        """The unit vectors of the map's axes, [2, latent_dim], where it is a plane in the latent space."""
        return self.principal.axes[:2] if self.explained is not None else None


def map_methods(run: Run) -> list[str]:
    """The maps that a run holds.

    Raises:
        RunError: they are damaged.
    """
    held = read(run)
    return [] if held is None else [method for method in METHODS if f"{method}.points" in held]


def directions(run: Run, k: int) -> tuple[Tensor, Tensor]:
    """The k strongest principal directions of a run's training latents, [k, latent_dim] unit vectors in float32, and
    the standard deviation along each, [k]; fewer where there are not so many dimensions.

    Raises:
        RunError: the run has no map, or it is damaged.
    """
    held = read(run)
    if held is None:
        raise RunError(f"{run.path} has no map.", cure=Cure.of("make_map", run=run.path))
    return held["axes"][:k].float(), held["deviation"][:k].float()


def pack(latents: Tensor, genre: Tensor, clip: Tensor, components: Principal) -> dict[str, Tensor]:
    """What every method's map shares, as `map.safetensors` holds it.

    Latents are stored as whole steps from their mean, 254 of them over a dimension's range: that is an error of a
    hundredth of the standard deviation, for a quarter of the room.
    """
    away = latents.double() - components.mean
    step = (away.abs().amax(dim=0) / 127).clamp_min(torch.finfo(torch.float32).tiny)
    return {
        "latent": (away / step).round().to(torch.int8),
        "step": step.float(),
        "mean": components.mean,
        "axes": components.axes,
        "deviation": components.deviation,
        "genre": genre.to(torch.int16),
        "clip": clip.to(torch.int32),
    }


def read(run: Run) -> dict[str, Tensor] | None:
    """The tensors of a run's map, checked; None when there is none.

    Raises:
        RunError: they are damaged.
    """
    if not run.map_path.exists():
        return None
    try:
        held: dict[str, Tensor] = load_file(run.map_path)
        _check(held, len(run.config.genres))
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise RunError(f"{run.map_path} is damaged: {error}.", cure=Cure.of("make_map", run=run.path)) from error
    return held


def _check(held: Mapping[str, Tensor], genres: int) -> None:
    clips, dim = held["latent"].shape
    layout = {
        "latent": (torch.int8, (clips, dim)),
        "step": (torch.float32, (dim,)),
        "mean": (torch.float64, (dim,)),
        "axes": (torch.float64, (dim, dim)),
        "deviation": (torch.float64, (dim,)),
        "genre": (torch.int16, (clips,)),
        "clip": (torch.int32, (clips,)),
    }
    for method in METHODS:
        if f"{method}.points" in held:
            layout[f"{method}.points"] = (torch.float32, (clips, 2))
            layout[f"{method}.reach"] = (torch.float32, ())
    layout |= {name: (torch.float16, (clips,)) for name in QUALITIES if name in held}
    for name, (kind, shape) in layout.items():
        tensor = held[name]
        if tensor.dtype != kind or tensor.shape != shape:
            raise ValueError(f"{name} is {tensor.dtype} {list(tensor.shape)}, expected {kind} {list(shape)}")
        if tensor.is_floating_point() and not bool((tensor.abs() <= LARGEST).all()):
            raise ValueError(f"{name} has values that are not finite, or that no latent has")
    if not clips or dim < 2 or not 0 <= int(held["genre"].min()) <= int(held["genre"].max()) < genres:
        raise ValueError("its clips or their genres are of no use")
