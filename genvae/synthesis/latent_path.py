"""Smooth paths through latents, from knot to knot on great circles; and mixtures of latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Knot:
    """A place in the latent space.

    Attributes:
        genre: that it is decoded as.
        latent: [latent_dim].
    """

    genre: str
    latent: Tensor


@dataclass(frozen=True)
class PathPoint:
    """A place on a path.

    Attributes:
        latent: [latent_dim].
        genre: the first genre that it is decoded as.
        other: the second.
        share: what part of the sound is decoded as `other`; the rest as `genre`.
    """

    latent: Tensor
    genre: str
    other: str
    share: float


@dataclass(frozen=True)
class LatentPath:
    """Knots, passed at equal times.

    Attributes:
        knots: one or more.
    """

    knots: tuple[Knot, ...]

    @classmethod
    def of(cls, latents: Tensor, genres: Sequence[str]) -> Self:
        """The path through latents [knots, latent_dim] of those genres."""
        return cls(tuple(Knot(genre, z) for genre, z in zip(genres, latents.float(), strict=True)))

    def at(self, t: float) -> PathPoint:
        """The place at time t: 0 is the first knot, 1 the last.

        >>> path = LatentPath.of(torch.eye(3), ["piano", "rock", "techno"])
        >>> point = path.at(0.625)  # a quarter of the way from the second to the third
        >>> point.genre, point.other, point.share
        ('rock', 'techno', 0.25)
        """
        legs = len(self.knots) - 1
        where = min(max(t, 0.0), 1.0) * legs
        leg = min(int(where), max(legs - 1, 0))
        first, second = self.knots[leg], self.knots[min(leg + 1, legs)]
        share = where - leg
        z = slerp(first.latent, second.latent, torch.tensor(share, dtype=torch.float64))
        return PathPoint(z, first.genre, second.genre, share)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Spherical interpolation (Shoemake, Animating Rotation with Quaternion Curves, 1985).

    Latents of many dimensions lie near a sphere, which the straight line between two of them leaves. Vectors of
    different lengths change their length on the way; where two are parallel or opposite, the way is the straight line.

    >>> slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.0, 1 / 3]))  # 30 degrees
    tensor([[1.0000, 0.0000],
            [0.8660, 0.5000]])

    Args:
        a: [latent_dim].
        b: [latent_dim].
        t: [...], 0 gives a and 1 gives b, both to the bit.

    Returns:
        [..., latent_dim], of the type of a.
    """
    first, second, time = a.double(), b.double(), t.double()[..., None]
    lengths = first.norm() * second.norm()
    cosine = (first @ second / lengths).clamp(-1.0, 1.0) if float(lengths) > 0 else torch.ones_like(lengths)
    angle = torch.arccos(cosine)
    if float(angle.sin()) < 1e-6:
        return torch.lerp(first, second, time).to(a.dtype)
    left, right = torch.sin((1 - time) * angle) / angle.sin(), torch.sin(time * angle) / angle.sin()
    return (left * first + right * second).to(a.dtype)


def mix(vectors: Tensor, shares: Tensor) -> Tensor:
    """The weighted mean of vectors [k, D] with shares [k], given the length that they have on average, [D].

    A plain mean of vectors that point many ways is short: it would lie near the centre, where no clip does.
    """
    mean = shares @ vectors
    target_norm, length = shares @ vectors.norm(dim=1), mean.norm()
    return mean * (target_norm / length) if float(length) > 1e-9 * float(target_norm) else mean
