"""What the page asks of a run: sounds from seeds, places, paths and files, and where they lie. It knows no HTTP."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

import genvae
from genvae.errors import GenvaeError
from genvae.latents import LatentMap, directions, map_methods, near
from genvae.plugin.registry import Registry
from genvae.run import Run
from genvae.synthesis.latent_path import LatentPath
from genvae.synthesis.renderer import require_genre
from genvae.synthesis.synthesizer import Synthesizer
from genvae.web import schema
from genvae.web.vocoders import offered
from genvae.web.worker import Check

DIRECTIONS = 6
_NEIGHBOURS = 6
_MARGIN = 0.25  # of a map's extent that a point may lie outside of it
_SPREAD = 0.4  # of a variation: how much of it is new


def _nothing(*_: object) -> None:
    """The check of work that nobody ends."""


@dataclass(frozen=True)
class _Resolved:
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


class Engine:
    """A run, loaded once. Its methods compute, and are called one at a time.

    Args:
        run: a run whose training has ended.
        registry: where its plugins come from.

    Raises:
        RunError: the run is unfinished or damaged.
        PluginError: a plugin that it names is missing.

    Attributes:
        name: of the run's folder.
        digest: the run's.
        synthesizers: by the name of the vocoder, those that work here without a compiler; the run's own first.
        maps: the run's maps by method; UMAP first, as it shows more of what belongs together.
        latent_dim: how many numbers a latent has.
    """

    def __init__(self, run: Run, registry: Registry) -> None:
        self._config, self._registry = run.config, registry
        self.synthesizers = offered(run, registry)
        self.name, self.digest = run.path.resolve().name, self._synthesizer(None).digest
        self.maps = {method: LatentMap.load(run, method) for method in reversed(map_methods(run))}
        self.latent_dim = len(self._synthesizer(None).latent(run.config.genres[0], seed=0))
        axes, deviations = directions(run, self.latent_dim) if self.maps else (torch.zeros(0, 1), torch.zeros(0))
        self._axes, self._deviations = axes[:DIRECTIONS], deviations[:DIRECTIONS]
        mean = next((each.principal.mean for each in self.maps.values()), None)
        self._principal = None if mean is None else (mean, axes, deviations)

    @property
    def default(self) -> str:
        """The vocoder that is used where none is asked for."""
        return next(iter(self.synthesizers))

    def info(self, runs: list[schema.RunInfo], limits: schema.Limits) -> schema.Info:
        """What there is to ask for."""
        config, main = self._config, self._synthesizer(None)
        total = next((each.latents.var(dim=0).sum() for each in self.maps.values()), torch.ones(()))
        return schema.Info(
            run=main.digest,
            runs=runs,
            genres=list(config.genres),
            sample_rate=config.sample_rate,
            clip_samples=config.clip_samples,
            latent_dim=self.latent_dim,
            vocoders=[
                schema.VocoderInfo(name=name, summary=self._registry.plugin("vocoder", name).summary)
                for name in self.synthesizers
            ],
            maps=[
                schema.MapInfo(
                    method=method,
                    clips=len(each.points),
                    explained=each.explained,
                    low=_pair(each.points.amin(dim=0)),
                    high=_pair(each.points.amax(dim=0)),
                )
                for method, each in self.maps.items()
            ],
            directions=[schema.DirectionInfo(explained=float(share)) for share in self._deviations.square() / total],
            limits=limits,
            versions={"genvae": genvae.__version__, "torch": str(torch.__version__)},
        )

    def generate(self, genre: str, *, seed: int, index: int, temperature: float, vocoder: str | None) -> bytes:
        """The wav file that `genvae generate` writes."""
        synthesizer = self._synthesizer(vocoder)
        return synthesizer.generate(genre, seed=seed, index=index, temperature=temperature).wav()

    def decode(self, source: schema.Source, vocoder: str | None) -> bytes:
        """A source as a wav file; what is drawn from a seed and left as it is, is the file of `generate`."""
        plain = source.point is None and source.latent is None and not source.variations and not any(source.shifts)
        if source.genre is not None and plain:
            seed, index, temperature = source.seed, source.index, source.temperature
            return self.generate(source.genre, seed=seed, index=index, temperature=temperature, vocoder=vocoder)
        resolved = self._resolve(source)
        synthesizer = self._synthesizer(vocoder)
        if resolved.other is None:
            return synthesizer.decode(resolved.z, resolved.genre, seed=source.seed, index=source.index).wav()
        both = LatentPath.of(torch.stack([resolved.z, resolved.z]), [resolved.genre, resolved.other])
        return synthesizer.decode_at(both, resolved.share, seed=source.seed, index=source.index).wav()

    def place(self, asked: schema.PlaceRequest | schema.PathPlaceRequest) -> schema.Placed:
        """Where a source lies, or the clips of a path."""
        if isinstance(asked, schema.PlaceRequest):
            found = [self._resolve(asked.source)]
        else:
            path, times = self._path(asked)
            found = [_Resolved(each.latent, each.genre) for each in map(path.at, times)]
        return schema.Placed(genre=found[0].genre, clips=[self._placed(each) for each in found])

    def place_wave(self, wave: Tensor, *, note: str = "", upload: str = "") -> schema.Placed:
        """Where the clips of a sound [samples] lie."""
        latents, genre = self._synthesizer(None).encode(wave)
        clips = [self._placed(_Resolved(z, genre)) for z in latents]
        return schema.Placed(genre=genre, clips=clips, note=note, upload=upload)

    def reconstruct(
        self,
        wave: Tensor,
        genre: str | None,
        vocoder: str | None,
        shifts: Sequence[float] = (),
        check: Check = _nothing,
    ) -> bytes:
        """The wav file that `genvae reconstruct` writes for a sound [samples], perhaps with each clip shifted."""
        shift = self._shift(shifts) if any(shifts) else None
        return self._synthesizer(vocoder).reconstruct(wave, genre, shift=shift, on_clip=check).wav()

    def points(self, method: str) -> bytes:
        """The training clips of a map: uint16 x of each, then y, then the index of its genre.

        Coordinates are told in 65535ths of the map's extent: a hundredth of a pixel, for half of what floats take.
        """
        found = self._map(method)
        low, high = found.points.amin(dim=0), found.points.amax(dim=0)
        part = (found.points - low) / (high - low).clamp_min(torch.finfo(torch.float32).tiny)
        steps = (part * 65535).round().numpy().astype("<u2")
        return steps[:, 0].tobytes() + steps[:, 1].tobytes() + found.genre.numpy().astype("<u2").tobytes()

    def path(self, asked: schema.PathRequest, check: Check = _nothing) -> bytes:
        """The wav file that `genvae interpolate` writes for a path."""
        path, times = self._path(asked)
        synthesizer = self._synthesizer(asked.vocoder)
        seconds = synthesizer.seconds(len(times))
        start = asked.start
        return synthesizer.decode_path(path, seconds, seed=start.seed, index=start.index, on_clip=check).wav()

    def _path(self, asked: schema.PathPlaceRequest) -> tuple[LatentPath, list[float]]:
        """A path, and the times on it at which its clips lie."""
        knots = [self._resolve(each) for each in (asked.start, *asked.via, asked.end)]
        path = LatentPath.of(torch.stack([each.z for each in knots]), [each.genre for each in knots])
        return path, torch.linspace(0, 1, max(asked.steps, len(knots))).tolist()

    def _synthesizer(self, vocoder: str | None) -> Synthesizer:
        try:
            return self.synthesizers[vocoder or self.default]
        except KeyError:
            known = ", ".join(self.synthesizers)
            raise GenvaeError(f"There is no vocoder {vocoder!r} here. There are: {known}.") from None

    def _map(self, method: str) -> LatentMap:
        try:
            return self.maps[method]
        except KeyError:
            known = " and ".join(self.maps) or "none"
            raise GenvaeError(f"This run has no map {method!r}; it has {known}. `genvae map` makes one.") from None

    def _resolve(self, source: schema.Source) -> _Resolved:
        """The latent of a source.

        Raises:
            GenvaeError: the run has no such genre, map, latent or direction.
        """
        synthesizer = self._synthesizer(None)
        points: dict[str, Tensor] = {}
        genre, other, share = source.genre, None, 0.0
        if source.mix:
            z, genre, other, share = self._mixed(source)
        elif source.point is not None:
            assert source.map is not None  # the schema wants both or neither
            found = self._map(source.map)
            point = _within(torch.tensor(source.point), found)
            points[source.map] = point
            z = found.invert(point[None])[0]
            genre = genre or self._surroundings(found, point)
        elif source.latent is not None:
            z = torch.tensor(source.latent)
            if len(z) != self.latent_dim:
                raise GenvaeError(f"A latent of this run has {self.latent_dim} numbers, not {len(z)}.")
        else:
            assert genre is not None
            z = synthesizer.latent(genre, seed=source.seed, index=source.index, temperature=source.temperature)
        assert genre is not None  # the schema wants one where there is no point
        require_genre(genre, synthesizer.genres)
        for number in source.variations:
            z, points = self._varied(z, number), {}
        if any(source.shifts):
            z, points = z + self._shift(source.shifts), {}
        return _Resolved(z, genre, points, other, share)

    def _mixed(self, source: schema.Source) -> tuple[Tensor, str, str | None, float]:
        """What a seed draws in several genres, mixed: a latent, the two strongest genres, and the second's share.

        A latent is decoded as two genres at most, as each takes its time; where the two are equal in strength, they
        change places without a jump, and a third one is heard through the latent alone.
        """
        synthesizer = self._synthesizer(None)
        ranked = sorted(((weight, genre) for genre, weight in source.mix.items() if weight > 0), reverse=True)
        drawn = []
        for _, genre in ranked:
            require_genre(genre, synthesizer.genres)
            drawn.append(
                synthesizer.latent(genre, seed=source.seed, index=source.index, temperature=source.temperature)
            )
        weights = torch.tensor([weight for weight, _ in ranked], dtype=torch.float64)
        z = near.mix(torch.stack(drawn).double(), weights / weights.sum()).float()
        if len(ranked) == 1:
            return z, ranked[0][1], None, 0.0
        (first, genre), (second, other) = ranked[:2]
        return z, genre, other, second / (first + second)

    def _varied(self, z: Tensor, number: int) -> Tensor:
        """A latent [latent_dim] nearby: a random step, and as much nearer to the middle as keeps the spread of all."""
        generator = torch.Generator().manual_seed(number)
        noise = torch.randn(len(z), generator=generator)
        if self._principal is not None:
            mean, axes, deviation = (each.float() for each in self._principal)
            noise = (noise * deviation) @ axes
        else:
            mean = torch.zeros_like(z)
        return mean + math.sqrt(1 - _SPREAD**2) * (z - mean) + _SPREAD * noise

    def _shift(self, shifts: Sequence[float]) -> Tensor:
        """Steps along the directions, in standard deviations -> [latent_dim].

        Raises:
            GenvaeError: there are not so many directions.
        """
        if len(shifts) > len(self._axes):
            raise GenvaeError(f"There are {len(self._axes)} directions to shift along, not {len(shifts)}.")
        return (torch.tensor(shifts) * self._deviations[: len(shifts)]) @ self._axes[: len(shifts)]

    def _surroundings(self, found: LatentMap, point: Tensor) -> str:
        """The genre that most of the nearest training clips have; of several, that of the nearest."""
        indices, _ = found.neighbours(point[None], _NEIGHBOURS)
        near = found.genre[indices[0]].tolist()
        commonest: int = max(near, key=near.count)  # the first of several
        return self._config.genres[commonest]

    def _placed(self, resolved: _Resolved) -> schema.PlacedClip:
        maps = {}
        for method, found in self.maps.items():
            point = resolved.points[method] if method in resolved.points else found.place(resolved.z[None])[0]
            indices, distances = found.neighbours(point[None], _NEIGHBOURS)
            neighbours = [
                schema.Neighbour(
                    clip=int(found.clip[index]),
                    genre=self._config.genres[int(found.genre[index])],
                    point=_pair(found.points[index]),
                    distance=float(distance),
                )
                for index, distance in zip(indices[0], distances[0], strict=True)
            ]
            sparse = bool(found.sparse(point[None])[0])
            maps[method] = schema.MapPlace(point=_pair(point), sparse=sparse, neighbours=neighbours)
        return schema.PlacedClip(latent=resolved.z.tolist(), maps=maps)


def _pair(point: Tensor) -> tuple[float, float]:
    return float(point[0]), float(point[1])


def _within(point: Tensor, found: LatentMap) -> Tensor:
    """A point [2], brought to the map and a margin around it if it lies further out."""
    low, high = found.points.amin(dim=0), found.points.amax(dim=0)
    margin = _MARGIN * (high - low)
    return point.clamp(low - margin, high + margin)
