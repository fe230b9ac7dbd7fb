"""From what a client asks for to a latent: of a seed, a point of a map, a mix of genres; varied and shifted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from genvae.errors import GenvaeError
from genvae.latents import LatentMap
from genvae.synthesis.renderer import require_genre
from genvae.synthesis.synthesizer import Synthesizer
from genvae.web import schema
from genvae.web.directions import Directions

NEAREST = 6
"""Training clips around a place that are told, and that say of which genre it is."""

_MARGIN = 0.25  # of a map's extent that a point may lie outside of it
_SPREAD = 0.4  # of a variation: how much of it is new


@dataclass(frozen=True)
class Resolved:
    """A source that has become a latent, and what it is decoded as.

    Attributes:
        z: the latent [latent_dim].
        genre: what it is decoded as.
        points: where it lies, [2], on the map whose point was asked for.
        other: a second genre that it is decoded as, or None.
        share: of the second genre in the sound.
    """

    z: Tensor
    genre: str
    points: Mapping[str, Tensor] = field(default_factory=dict)
    other: str | None = None
    share: float = 0.0


class Sources:
    """Resolves sources for one run.

    Args:
        synthesizer: of the run.
        maps: the run's maps by method.
        directions: along which sounds are shifted, or None.
        latent_dim: how many numbers a latent has.
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        maps: Mapping[str, LatentMap],
        directions: Directions | None,
        latent_dim: int,
    ) -> None:
        self._synthesizer, self._maps, self._directions, self._latent_dim = synthesizer, maps, directions, latent_dim
        self._principal = next((each.principal for each in maps.values()), None)

    def map(self, method: str) -> LatentMap:
        """A map of the run.

        Raises:
            GenvaeError: it has no such map.
        """
        try:
            return self._maps[method]
        except KeyError:
            methods = " and ".join(self._maps) or "none"
            raise GenvaeError(f"This run has no map {method!r}; it has {methods}. `genvae map` makes one.") from None

    def resolve(self, source: schema.Source) -> Resolved:
        """The latent of a source.

        Raises:
            GenvaeError: the run has no such genre, map, latent or direction.
        """
        synthesizer = self._synthesizer
        points: dict[str, Tensor] = {}
        genre, other, share = source.genre, None, 0.0
        if source.mix:
            z, genre, other, share = self._mixed(source)
        elif source.point is not None:
            assert source.map is not None  # the schema wants both or neither
            latent_map = self.map(source.map)
            point = _within(torch.tensor(source.point), latent_map)
            points[source.map] = point
            z = latent_map.invert(point[None])[0]
            genre = self._surroundings(latent_map, point) if genre is None else genre
        elif source.latent is not None:
            z = torch.tensor(source.latent)
            if len(z) != self._latent_dim:
                raise GenvaeError(f"A latent of this run has {self._latent_dim} numbers, not {len(z)}.")
        else:
            assert genre is not None
            z = synthesizer.latent(genre, seed=source.seed, index=source.index, temperature=source.temperature)
        assert genre is not None  # the schema wants one where there is no point
        require_genre(genre, synthesizer.genres)
        for number in source.variations:
            z, points = self._varied(z, number), {}
        shift = self.shift(source.shifts)
        if shift is not None:
            z, points = z + shift, {}
        return Resolved(z, genre, points, other, share)

    def _mixed(self, source: schema.Source) -> tuple[Tensor, str, str | None, float]:
        """What a seed draws in several genres, mixed: a latent, the two strongest genres, and the second's share."""
        mixture = self._synthesizer.mixture(
            source.mix, seed=source.seed, index=source.index, temperature=source.temperature
        )
        other = None if mixture.other == mixture.genre else mixture.other
        return mixture.latent, mixture.genre, other, mixture.share

    def _varied(self, z: Tensor, number: int) -> Tensor:
        """A latent [latent_dim] nearby: a random step, and as much nearer to the middle as keeps the spread of all."""
        generator = torch.Generator().manual_seed(number)
        noise = torch.randn(len(z), generator=generator)
        if self._principal is not None:
            parts = self._principal
            mean = parts.mean.float()
            noise = (noise * parts.deviation.float()) @ parts.axes.float()
        else:
            mean = torch.zeros_like(z)
        return mean + math.sqrt(1 - _SPREAD**2) * (z - mean) + _SPREAD * noise

    def shift(self, shifts: Sequence[float]) -> Tensor | None:
        """Steps along the directions -> [latent_dim]; None where there are none.

        Steps of nothing at the end are none, so that what was shifted by nothing on a run with more directions is, too.

        Raises:
            GenvaeError: there are not so many directions.
        """
        while shifts and not shifts[-1]:
            shifts = shifts[:-1]
        if not shifts:
            return None
        if self._directions is None:
            raise GenvaeError("This run has no map, so there are no directions to shift along. `genvae map` makes one.")
        return self._directions.shift(shifts)

    def _surroundings(self, latent_map: LatentMap, point: Tensor) -> str:
        """The genre that most of the nearest training clips have; of several, that of the nearest."""
        indices, _ = latent_map.neighbours(point[None], NEAREST)
        near = latent_map.genre[indices[0]].tolist()
        commonest: int = max(near, key=near.count)  # the first of several
        return self._synthesizer.genres[commonest]


def _within(point: Tensor, latent_map: LatentMap) -> Tensor:
    """A point [2], brought to the map and a margin around it if it lies further out."""
    low, high = latent_map.points.amin(dim=0), latent_map.points.amax(dim=0)
    margin = _MARGIN * (high - low)
    return point.clamp(low - margin, high + margin)
