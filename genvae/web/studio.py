"""What the page asks of a run: sounds from seeds, places, paths and files, and where they lie. It knows no HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

import genvae
from genvae.errors import GenvaeError, RunError
from genvae.latents import LatentMap, directions, map_methods
from genvae.pipeline import DEFAULTS, PartConfig
from genvae.plugin.registry import Registry
from genvae.run import Run
from genvae.synthesis.latent_path import LatentPath
from genvae.synthesis.renderer import require_genre
from genvae.synthesis.synthesizer import Synthesizer
from genvae.web import schema

DIRECTIONS = 6
_NEIGHBOURS = 6
_MARGIN = 0.25  # of a map's extent that a point may lie outside of it
_COMPILERS = ("numba", "umap")  # seconds and hundreds of megabytes, which a server does without


@dataclass(frozen=True)
class _Spot:
    """A source that has become a latent [latent_dim], and what it is decoded as.

    points: where it lies, [2], on the map whose point was asked for.
    """

    z: Tensor
    genre: str
    points: Mapping[str, Tensor] = field(default_factory=dict)


class Studio:
    """A run, loaded once. Its methods compute, and are called one at a time.

    Args:
        run: a run whose training has ended.
        registry: where its plugins come from.

    Raises:
        RunError: the run is unfinished or damaged. PluginError: a plugin that it names is missing.

    Attributes:
        synthesizers: by the name of the vocoder, those that work here without a compiler; the run's own first.
        maps: the run's maps by method.
    """

    def __init__(self, run: Run, registry: Registry) -> None:
        self._config, self._registry = run.config, registry
        self.synthesizers = _synthesizers(run, registry)
        self.maps = {method: LatentMap.load(run, method) for method in map_methods(run)}
        self._axes, self._deviations = directions(run, DIRECTIONS) if self.maps else (torch.zeros(0, 1), torch.zeros(0))

    @property
    def default(self) -> str:
        """The vocoder that is used where none is asked for."""
        return next(iter(self.synthesizers))

    def info(self, limits: schema.Limits) -> schema.Info:
        """What there is to ask for."""
        config, main = self._config, self._synthesizer(None)
        total = next((each.latents.var(dim=0).sum() for each in self.maps.values()), torch.ones(()))
        return schema.Info(
            run=main.digest,
            genres=list(config.genres),
            sample_rate=config.sample_rate,
            clip_samples=config.clip_samples,
            vocoders=[
                schema.VocoderInfo(name=name, summary=self._registry.plugin("vocoder", name).summary)
                for name in self.synthesizers
            ],
            maps=[
                schema.MapInfo(method=method, clips=len(each.points), explained=each.explained)
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
        """A source as a wav file; what is drawn from a seed and not shifted is the file of `generate`."""
        if source.genre is not None and source.point is None and source.latent is None and not any(source.shifts):
            return self.generate(source.genre, seed=source.seed, index=source.index, temperature=source.temperature,
                                 vocoder=vocoder)  # fmt: skip
        spot = self._spot(source)
        synthesizer = self._synthesizer(vocoder)
        return synthesizer.decode(spot.z, spot.genre, seed=source.seed, index=source.index).wav()

    def place(self, asked: schema.Located | schema.Way) -> schema.Place:
        """Where a source lies, or the clips of a path."""
        if isinstance(asked, schema.Located):
            spots = [self._spot(asked.source)]
        else:
            path, times = self._path(asked)
            spots = [_Spot(place.latent, place.genre) for place in map(path.at, times)]
        return schema.Place(genre=spots[0].genre, clips=[self._placed(spot) for spot in spots])

    def place_wave(self, wave: Tensor, note: str) -> schema.Place:
        """Where the clips of a sound [samples] lie."""
        latents, genre = self._synthesizer(None).encode(wave)
        return schema.Place(genre=genre, clips=[self._placed(_Spot(z, genre)) for z in latents], note=note)

    def reconstruct(self, wave: Tensor, genre: str | None, vocoder: str | None) -> bytes:
        """The wav file that `genvae reconstruct` writes for a sound [samples]."""
        return self._synthesizer(vocoder).reconstruct(wave, genre).wav()

    def points(self, method: str) -> bytes:
        """The training clips of a map: float32 x and y of each, then the uint16 index of each one's genre."""
        found = self._map(method)
        return found.points.numpy().astype("<f4").tobytes() + found.genre.numpy().astype("<u2").tobytes()

    def path(self, way: schema.Way, vocoder: str | None) -> bytes:
        """The wav file that `genvae interpolate` writes for a path."""
        path, times = self._path(way)
        synthesizer = self._synthesizer(vocoder)
        seconds = synthesizer.seconds(len(times))
        return synthesizer.decode_path(path, seconds, seed=way.start.seed, index=way.start.index).wav()

    def _path(self, way: schema.Way) -> tuple[LatentPath, list[float]]:
        """The path of a way, and the times on it at which its clips lie."""
        ends = [self._spot(way.start), self._spot(way.end)]
        path = LatentPath.of(torch.stack([end.z for end in ends]), [end.genre for end in ends])
        return path, torch.linspace(0, 1, way.steps).tolist()

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

    def _spot(self, source: schema.Source) -> _Spot:
        """The latent of a source.

        Raises:
            GenvaeError: the run has no such genre, map or direction.
        """
        synthesizer, points = self._synthesizer(None), {}
        genre = source.genre
        if source.point is not None:
            assert source.map is not None  # the schema wants both or neither
            found = self._map(source.map)
            point = _within(torch.tensor(source.point), found)
            points[source.map] = point
            z = found.invert(point[None])[0]
            genre = genre or self._surroundings(found, point)
        elif source.latent is not None:
            z = torch.tensor(source.latent)
        else:
            assert genre is not None
            z = synthesizer.latent(genre, seed=source.seed, index=source.index, temperature=source.temperature)
        assert genre is not None  # the schema wants one where there is no point
        require_genre(genre, synthesizer.genres)
        if any(source.shifts):
            if len(source.shifts) > len(self._axes):
                raise GenvaeError(f"There are {len(self._axes)} directions to shift along, not {len(source.shifts)}.")
            shifts = torch.tensor(source.shifts)
            z, points = z + (shifts * self._deviations[: len(shifts)]) @ self._axes[: len(shifts)], {}
        return _Spot(z, genre, points)

    def _surroundings(self, found: LatentMap, point: Tensor) -> str:
        """The genre that most of the nearest training clips have; of several, that of the nearest."""
        indices, _ = found.neighbours(point[None], _NEIGHBOURS)
        near = found.genre[indices[0]].tolist()
        commonest: int = max(near, key=near.count)  # the first of several
        return self._config.genres[commonest]

    def _placed(self, spot: _Spot) -> schema.PlacedClip:
        maps = {}
        for method, found in self.maps.items():
            point = spot.points[method] if method in spot.points else found.place(spot.z[None])[0]
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
            maps[method] = schema.Spot(point=_pair(point), sparse=sparse, neighbours=neighbours)
        return schema.PlacedClip(latent=spot.z.tolist(), maps=maps)


def _pair(point: Tensor) -> tuple[float, float]:
    return float(point[0]), float(point[1])


def _within(point: Tensor, found: LatentMap) -> Tensor:
    """A point [2], brought to the map and a margin around it if it lies further out."""
    low, high = found.points.amin(dim=0), found.points.amax(dim=0)
    margin = _MARGIN * (high - low)
    return point.clamp(low - margin, high + margin)


def _synthesizers(run: Run, registry: Registry) -> dict[str, Synthesizer]:
    """The run with each vocoder that makes a sound of it: its own first, then the usual one, then by name.

    Raises:
        RunError: the run is unfinished or damaged. PluginError: a plugin that it names is missing.
    """
    own, usual = run.config.vocoder, DEFAULTS["vocoder"]
    others = sorted(registry.names("vocoder"), key=lambda name: (name not in (own.plugin, usual), name))
    made: dict[str, Synthesizer] = {}
    first: Exception | None = None
    for name in [None, *others]:
        if name in made:
            continue
        try:
            with _without(_COMPILERS):
                part = own if name is None else PartConfig.of(registry, "vocoder", name, {})
                base = next(iter(made.values()), None)
                new = base.with_vocoder(part, registry) if base else Synthesizer(run, registry, vocoder=part)
                new.generate(new.genres[0], seed=0, index=0)
        except RunError:
            raise
        except Exception as error:  # it wants other features, or a compiler, or it is a stranger's and breaks
            first = first or error
            continue
        made[name or own.plugin] = new
    if not made:
        assert first is not None
        raise first
    return made


@contextmanager
def _without(names: Sequence[str]) -> Iterator[None]:
    """Libraries that are not loaded can't be loaded in the block: importing one is an ImportError."""
    missing = [name for name in names if name not in sys.modules]
    for name in missing:
        sys.modules[name] = None  # type: ignore[assignment]  # what the import system takes for "not there"
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]
