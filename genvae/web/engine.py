"""What the page asks of a run: sounds from seeds, places, paths and files, and where they lie. It knows no HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import genvae
from genvae.attributes import require_all
from genvae.errors import GenvaeError
from genvae.latents import LatentMap, map_methods
from genvae.pipeline import SECTIONS
from genvae.plots.tiles import over_map, shown
from genvae.plugin.registry import Registry
from genvae.png import encode_png
from genvae.run import Run
from genvae.synthesis.latent_path import LatentPath
from genvae.synthesis.sound import Clip
from genvae.synthesis.synthesizer import Decoding, Draw, Synthesizer
from genvae.web import directions, looks, measured, schema, shades
from genvae.web.directions import Directions
from genvae.web.elsewhere import Elsewhere, computed
from genvae.web.lesson import Lesson
from genvae.web.lesson_page import render
from genvae.web.part_options import part_options
from genvae.web.shared_weights import use_shared, write_shared
from genvae.web.sources import NEAREST, Resolved, Sources
from genvae.web.vocoders import offered
from genvae.web.worker import Check

DIRECTIONS = 6
_CARD = 1 << 16  # characters of a model card


def _nothing(*_: object) -> None:
    """The check of work that nobody ends."""


class Engine:
    """A run, loaded once. Its methods compute, here or elsewhere; what is computed here is called one at a time.

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
        lesson: what the lesson shows of the run.
        elsewhere: computes in its place, or None.
    """

    def __init__(self, run: Run, registry: Registry) -> None:
        self._run, self._config, self._registry = run, run.config, registry
        self.elsewhere: Elsewhere | None = None
        self.synthesizers = offered(run, registry)
        self.name, self.digest = run.path.resolve().name, self._synthesizer(None).digest
        self.maps = {method: LatentMap.load(run, method) for method in reversed(map_methods(run))}
        self.latent_dim = len(self._synthesizer(None).latent(run.config.genres[0], seed=0))
        first = next(iter(self.maps.values()), None)
        words = directions.WORDS if self.makes_sounds else looks.WORDS
        self._directions = Directions.of(first, run.config.genres, DIRECTIONS, words) if first else None
        self.lesson = Lesson(run, registry, self._synthesizer(None), first)
        self._sources = Sources(self._synthesizer(None), self.maps, self._directions, self.latent_dim)

    @property
    def folder(self) -> Path:
        """The run's."""
        return self._run.path

    def share(self, weights: Path) -> None:
        """Write the nets' weights to a file, and compute with that from now on."""
        write_shared(self._synthesizer(None).pipeline, weights)
        self.use_shared(weights)

    def use_shared(self, weights: Path) -> int:
        """Compute with the weights in a file that another process has written, which takes no memory of its own.

        Returns:
            how many bytes are shared.
        """
        return use_shared(self._synthesizer(None).pipeline, weights)  # the other vocoders' have the same nets

    @property
    def makes_sounds(self) -> bool:
        """Whether its items are sounds."""
        return self._synthesizer(None).makes_sounds

    @property
    def default(self) -> str:
        """The vocoder that is used where none is asked for."""
        return next(iter(self.synthesizers))

    @property
    def default_is_own(self) -> bool:
        """Whether that is the run's own, so that the run's digest says which it is."""
        return self.default == self._registry.row("vocoder", self._config.vocoder.name).short_name

    @property
    def genres(self) -> tuple[str, ...]:
        """The run's genres."""
        return self._config.genres

    @property
    def sample_rate(self) -> int:
        """Of its sounds, in Hz."""
        return self._config.sample_rate

    def info(self, runs: list[schema.RunInfo], limits: schema.Limits) -> schema.Info:
        """What there is to ask for."""
        config, main = self._config, self._synthesizer(None)
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
            attributes=[
                schema.AttributeInfo(
                    name=each.name,
                    unit=each.unit,
                    words=list(each.words),
                    several=each.several,
                    least=each.least,
                    most=each.most,
                    mean=each.mean,
                )
                for each in config.attributes
            ],
            maps=[
                schema.MapInfo(
                    method=method,
                    clips=len(each.points),
                    explained=each.explained,
                    low=_pair(each.points.amin(dim=0)),
                    high=_pair(each.points.amax(dim=0)),
                    qualities=[shades.quality(name, values) for name, values in each.heard.items()],
                )
                for method, each in self.maps.items()
            ],
            directions=len(self._directions.axes) if self._directions else 0,
            limits=limits,
            versions={"genvae": genvae.__version__, "torch": str(torch.__version__)},
        )

    def about(self) -> schema.About:
        """How the run was made."""
        parts = {section: getattr(self._config, section).plugin for section in SECTIONS}
        card = self._run.path / "MODEL_CARD.md"
        text = card.read_text(encoding="utf-8", errors="replace")[:_CARD] if card.is_file() else ""
        return schema.About(
            name=self.name,
            parts=parts,
            options=part_options(self._run, self._registry),
            training=self._run.training,
            data=self._run.data,
            card=text,
            curves=measured.curves(self._run),
            evaluation=[schema.EvaluationRow(**row) for row in measured.evaluation(self._run)],
        )

    def measures(self) -> dict[str, tuple[float, float]]:
        """What `genvae evaluate` measured of real clips and of the run's, where the run keeps it; more is better."""
        return measured.measures(self._run)

    def directions(self) -> list[schema.DirectionInfo]:
        """The principal directions, and what they do as far as that is measured."""
        found = self._directions
        if found is None:
            return []
        return [
            schema.DirectionInfo(explained=float(share), does=words, measured=found.measured)
            for share, words in zip(found.explained, found.words(), strict=True)
        ]

    def measure(self) -> bool:
        """Do a small part of finding out what the directions do; whether there is more to do."""
        if self._directions is None or self._directions.measured >= 1:
            return False
        self._directions.add(self.qualities_of(self._directions.heard))
        return True

    @computed
    def qualities_of(self, number: int) -> NDArray[np.float64]:
        """What is measured of one of the clips by which the directions are named: how it sounds, or how it looks."""
        assert self._directions is not None
        clip = self._directions.clip(number, self._synthesizer(None))
        if not self.makes_sounds:
            return looks.looks(shown(clip))
        return directions.qualities(clip.wave.numpy(), clip.sample_rate)

    @computed
    def explain(self) -> str:
        """The lesson's page."""
        return render(self.lesson)

    @computed
    def stage(self, genre: str, seed: int, name: str) -> bytes:
        """The wav file of a sound of a seed as a stage of the decoder leaves it."""
        return self.lesson.stage(genre, seed, name).wav()

    @computed
    def guided(self, genre: str, seed: int, amount: float) -> bytes:
        """The wav file of a sound of a seed with another guidance than the run's own."""
        return self.lesson.guided(genre, seed, amount).wav()

    @computed
    def wave(self, genre: str, seed: int, vocoder: str) -> NDArray[np.float32]:
        """The sound of a seed, [samples]."""
        made: NDArray[np.float32] = self._synthesizer(vocoder).generate(genre, seed=seed).wave.numpy()
        return made

    @computed
    def heard(self, genre: str, seed: int) -> schema.Heard:
        """What the encoder says of a sound of a seed, and what else the lesson can let hear of it."""
        lesson = self.lesson
        z, posterior = lesson.heard(genre, seed)
        return schema.Heard(
            latent=z.tolist(),
            mean=posterior.mean[0].tolist(),
            deviation=(0.5 * posterior.log_variance[0]).exp().tolist(),
            nats=posterior.kl()[0].tolist(),
            stages=list(lesson.stages),
            guidance=list(lesson.guidance),
        )

    @computed
    def generate(
        self,
        genre: str,
        *,
        seed: int,
        index: int,
        temperature: float,
        vocoder: str | None,
        attributes: Mapping[str, object] | None = None,
    ) -> bytes:
        """The wav file that `genvae generate` writes."""
        synthesizer = self._synthesizer(vocoder, attributes)
        return synthesizer.generate(genre, seed=seed, index=index, temperature=temperature).wav()

    @computed
    def generate_each(
        self, draws: Sequence[Draw], *, vocoder: str | None, attributes: Mapping[str, object] | None = None
    ) -> list[bytes]:
        """The wav files of several draws, each as `generate` gives it."""
        return [clip.wav() for clip in self._synthesizer(vocoder, attributes).generate_each(draws)]

    def origin(
        self,
        genre: str,
        *,
        seed: int,
        index: int,
        temperature: float,
        vocoder: str | None,
        attributes: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        """All that determines the file of `generate`, as plain JSON; nothing is computed.

        Raises:
            GenvaeError: there is no such genre, vocoder or attribute.
        """
        synthesizer = self._synthesizer(vocoder, attributes)
        return synthesizer.provenance(genre, seed=seed, index=index, temperature=temperature).to_json()

    @computed
    def decode_each(self, sources: Sequence[schema.Source], vocoder: str | None) -> list[bytes]:
        """Several sources with the same attributes as wav files, each as it comes out alone, which takes longer.

        What is drawn from a seed and left as it is, is the file of `generate`.
        """
        wanted = {number: self._wanted(source) for number, source in enumerate(sources)}
        together = {number: each for number, each in wanted.items() if each is not None}
        clips = self._synthesizer(vocoder, sources[0].attributes).generate_each(list(together.values()))
        made = dict(zip(together, clips, strict=True))
        return [
            (made[number] if number in made else self._decoded(source, vocoder)).wav()
            for number, source in enumerate(sources)
        ]

    @computed
    def design(self, source: schema.Source) -> bytes:
        """A source as a file of the kind's usual format, where it is no sound."""
        return self._decoded(source, None).encode()

    @computed
    def over(
        self, method: str, low: tuple[float, float], high: tuple[float, float], cells: int, *, check: Check = _nothing
    ) -> bytes:
        """What is decoded over a part of a map, so many items on a side, as a PNG file."""
        synthesizer = self._synthesizer(None)

        def decode(z: Tensor, genre: str) -> Clip:
            check()
            return synthesizer.decode(z, genre)

        corners = np.array(low), np.array(high)
        return encode_png(over_map(decode, self._sources.map(method), synthesizer.genres, *corners, cells))

    def _wanted(self, source: schema.Source) -> Draw | Decoding | None:
        """What a source asks of a synthesizer; None for a sound between two genres, which is made alone."""
        plain = source.point is None and source.latent is None and not source.variations and not any(source.shifts)
        if source.genre is not None and plain:
            return Draw(source.genre, source.seed, source.index, source.temperature)
        resolved = self._sources.resolve(source)
        return None if resolved.other else Decoding(resolved.z, resolved.genre, source.seed, source.index)

    def _decoded(self, source: schema.Source, vocoder: str | None) -> Clip:
        """What a source is made to sound like."""
        resolved = self._sources.resolve(source)
        synthesizer = self._synthesizer(vocoder, source.attributes)
        if resolved.other is None:
            return synthesizer.decode(resolved.z, resolved.genre, seed=source.seed, index=source.index)
        both = LatentPath.of(torch.stack([resolved.z, resolved.z]), [resolved.genre, resolved.other])
        return synthesizer.decode_at(both, resolved.share, seed=source.seed, index=source.index)

    @computed
    def place(self, request: schema.PlaceRequest | schema.PathPlaceRequest) -> schema.Placed:
        """Where a source lies, or the clips of a path."""
        if isinstance(request, schema.PlaceRequest):
            places = [self._resolved(request.source)]
        else:
            path, times = self._path(request)
            places = [Resolved(each.latent, each.genre) for each in map(path.at, times)]
        return schema.Placed(genre=places[0].genre, clips=[self._placed(each) for each in places])

    @computed
    def place_wave(self, wave: Tensor, *, note: str = "", upload: str = "") -> schema.Placed:
        """Where the clips of a sound [samples] lie."""
        latents, genre = self._synthesizer(None).encode(wave)
        clips = [self._placed(Resolved(z, genre)) for z in latents]
        return schema.Placed(genre=genre, clips=clips, note=note, upload=upload)

    @computed
    def reconstruct(
        self,
        wave: Tensor,
        genre: str | None,
        vocoder: str | None,
        shifts: Sequence[float] = (),
        *,
        check: Check = _nothing,
    ) -> bytes:
        """The wav file that `genvae reconstruct` writes for a sound [samples], perhaps with each clip shifted."""
        shift = self._sources.shift(shifts)
        return self._synthesizer(vocoder).reconstruct(wave, genre, shift=shift, on_clip=check).wav()

    def points(self, method: str) -> bytes:
        """The training clips of a map: uint16 x of each, then y, then the index of its genre.

        Coordinates are told in 65535ths of the map's extent: a hundredth of a pixel, for half of what floats take.
        """
        latent_map = self._sources.map(method)
        low, high = latent_map.points.amin(dim=0), latent_map.points.amax(dim=0)
        part = (latent_map.points - low) / (high - low).clamp_min(torch.finfo(torch.float32).tiny)
        steps = (part * 65535).round().numpy().astype("<u2")
        return steps[:, 0].tobytes() + steps[:, 1].tobytes() + latent_map.genre.numpy().astype("<u2").tobytes()

    def shades(self, method: str, quality: str) -> bytes:
        """How the training clips of a map sound, a byte each, in their order; see `shades.py`."""
        qualities = self._sources.map(method).heard
        if quality not in qualities:
            names = ", ".join(qualities) or "nothing: the run is of an earlier version"
            raise GenvaeError(f"The clips of this map were not measured for {quality!r}. There is {names}.")
        return shades.shades(qualities[quality])

    @computed
    def path(self, request: schema.PathRequest, *, check: Check = _nothing) -> bytes:
        """The wav file that `genvae interpolate` writes for a path."""
        path, times = self._path(request)
        synthesizer = self._synthesizer(request.vocoder, request.start.attributes)
        seconds = synthesizer.seconds(len(times))
        start = request.start
        return synthesizer.decode_path(path, seconds, seed=start.seed, index=start.index, on_clip=check).wav()

    def _path(self, request: schema.PathPlaceRequest) -> tuple[LatentPath, list[float]]:
        """A path, and the times on it at which its clips lie."""
        knots = [self._resolved(each) for each in (request.start, *request.via, request.end)]
        path = LatentPath.of(torch.stack([each.z for each in knots]), [each.genre for each in knots])
        return path, torch.linspace(0, 1, max(request.steps, len(knots))).tolist()

    def _resolved(self, source: schema.Source) -> Resolved:
        """Where a source lies; what it asks for beside that must be known, whether or not it is heard there."""
        require_all(source.attributes, self._config.attributes)
        return self._sources.resolve(source)

    def _synthesizer(self, vocoder: str | None, attributes: Mapping[str, object] | None = None) -> Synthesizer:
        try:
            synthesizer = self.synthesizers[self.default if vocoder is None else vocoder]
            return synthesizer.with_attributes(attributes) if attributes else synthesizer
        except KeyError:
            names = ", ".join(self.synthesizers)
            raise GenvaeError(f"There is no vocoder {vocoder!r} here. There are: {names}.") from None

    def _placed(self, resolved: Resolved) -> schema.PlacedClip:
        maps = {}
        for method, latent_map in self.maps.items():
            point = resolved.points[method] if method in resolved.points else latent_map.place(resolved.z[None])[0]
            indices, distances = latent_map.neighbours(point[None], NEAREST)
            neighbours = [
                schema.Neighbour(
                    clip=int(latent_map.clip[index]),
                    genre=self._config.genres[int(latent_map.genre[index])],
                    point=_pair(latent_map.points[index]),
                    distance=float(distance),
                )
                for index, distance in zip(indices[0], distances[0], strict=True)
            ]
            sparse = bool(latent_map.sparse(point[None])[0])
            maps[method] = schema.MapPlace(point=_pair(point), sparse=sparse, neighbours=neighbours)
        return schema.PlacedClip(latent=resolved.z.tolist(), maps=maps)


def _pair(point: Tensor) -> tuple[float, float]:
    return float(point[0]), float(point[1])
