"""Makes clips: prior -> model -> transform -> vocoder, each with what made it; and brings a sound through the model."""

from __future__ import annotations

import copy
import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, overload

import torch
from torch import Tensor

import genvae
from genvae.attributes import Attribute, Value, require_all
from genvae.audio.limiter import limited
from genvae.distances import log_spectral_distance
from genvae.errors import GenvaeError, OptionError
from genvae.items import ItemKind, Sounds
from genvae.pipeline import SECTIONS, PartConfig, Pipeline
from genvae.plugin.registry import Registry, installed
from genvae.run import Run
from genvae.synthesis.crossfade import stride
from genvae.synthesis.inputs import SoundLike, file_of, samples_of, seed_of
from genvae.synthesis.latent_path import Knot, LatentPath, PathPoint, mix, slerp
from genvae.synthesis.loop import SEAM, Loop, close
from genvae.synthesis.mixture import Mixture, ranked
from genvae.synthesis.provenance import Provenance, Waypoint
from genvae.synthesis.renderer import OnClip, Renderer, require_genre
from genvae.synthesis.sound import Clip, Reconstruction
from genvae.threads import one_thread

LONGEST = 600.0  # seconds of one sound
HOTTEST = 100.0  # temperature
GROUP = 16  # clips that are decoded side by side: more take memory and no less time
_KNOT_SECONDS = 2.0  # from one latent to the next in a longer sound
_STRAY = 0.35  # how far these lie from the first, of the way to another draw: level and key hold nearly as in music


@dataclass(frozen=True)
class Draw:
    """What determines a clip, beside the run and its vocoder.

    Attributes:
        genre: of its latent.
        seed: of all that is drawn.
        index: among the clips of that seed.
        temperature: spread of the latents.
    """

    genre: str
    seed: int
    index: int = 0
    temperature: float = 1.0


@dataclass(frozen=True)
class Decoding:
    """What `Synthesizer.decode` takes.

    Attributes:
        z: the latent [latent_dim].
        genre: that it is to sound as.
        seed: of the noise.
        index: among the clips of that seed.
    """

    z: Tensor
    genre: str
    seed: int = 0
    index: int = 0


class Encoding(NamedTuple):
    """A sound as the model holds it.

    Attributes:
        latents: posterior means of its clips, [clips, latent_dim].
        genre: the one that it was encoded under.
    """

    latents: Tensor
    genre: str


class Synthesizer:
    """A trained run, loaded once, that makes any number of clips on the CPU; `genvae.load` gives one.

    Every clip has a random generator of its own, and a model decodes it as if it were alone, so that its bytes depend
    neither on the clips before it nor on how many are asked for.

    Args:
        run: a run whose training has ended.
        registry: where its plugins come from; None for what is installed.
        vocoder: in place of the run's own.

    Raises:
        RunError: the run is unfinished or damaged.
        PluginError: a plugin that it names is missing.

    Attributes:
        run: the run.
        genres: the names that `generate` takes.
        sample_rate: of the clips, in Hz; 0 where it makes no sounds.
        clip_samples: samples in a clip.
        kind: of the items that it makes.
        latent_dim: how many numbers a latent has.
        digest: the run's.
        attributes: what it can be asked for beyond a genre.
        asked: what it is asked for, by name.
    """

    def __init__(self, run: Run, registry: Registry | None = None, *, vocoder: PartConfig | None = None) -> None:
        registry = registry or installed()
        config = replace(run.config, vocoder=vocoder) if vocoder else run.config
        self.run = run
        self.digest = run.digest()
        self.genres = config.genres
        self.sample_rate = config.sample_rate
        self.clip_samples = config.clip_samples
        self.attributes: tuple[Attribute, ...] = config.attributes
        self.asked: Mapping[str, Value] = {}
        self._use(run.load(registry, config=config), registry)

    def __repr__(self) -> str:
        """The run, and what it can make."""
        return f"Synthesizer({str(self.run.path)!r}, genres={list(self.genres)}, sample_rate={self.sample_rate})"

    @property
    def pipeline(self) -> Pipeline:
        """The run's parts, for whoever wants to look inside: transform, model, prior and vocoder."""
        return self._pipeline

    def with_vocoder(self, vocoder: PartConfig, registry: Registry | None = None) -> Synthesizer:
        """The same run with another vocoder; the nets are shared.

        Raises:
            PluginError: it is missing.
            SpecMismatch: it doesn't fit the run's features.
        """
        registry = registry or installed()
        other = copy.copy(self)
        with torch.random.fork_rng(devices=[]):  # building may draw
            other._use(self._pipeline.with_vocoder(registry, vocoder), registry)
        return other

    def with_attributes(self, attributes: Mapping[str, object]) -> Synthesizer:
        """The same run, asked for attributes in all that it decodes; the nets are shared.

        Args:
            attributes: numbers or words by name, such as `{"tempo": 128}`; those left out are as the latents say.

        Raises:
            OptionError: the run knows no such attribute, or not that value; the message says what it knows.
        """
        other = copy.copy(self)
        other.asked = require_all(attributes, self.attributes)
        other._renderer = Renderer(self._pipeline, other.asked)
        return other

    def _use(self, pipeline: Pipeline, registry: Registry) -> None:
        """Generate with a pipeline, and name its distributions' versions."""
        self._pipeline = pipeline
        self.kind: ItemKind = pipeline.kind
        self.latent_dim = pipeline.model.latent_dim
        self._renderer = Renderer(pipeline, self.asked)
        self._versions = {"genvae": genvae.__version__, "torch": str(torch.__version__)}
        for section in SECTIONS:
            part: PartConfig = getattr(pipeline.config, section)
            row = registry.row(section, f"{part.distribution}:{part.plugin}")
            self._versions.setdefault(row.distribution, row.version)
        self._vocoder: Mapping[str, Any] = pipeline.config.to_json()["vocoder"]

    def provenance(
        self,
        genre: str,
        *,
        seed: int,
        index: int,
        temperature: float = 1.0,
        seconds: float | None = None,
        loop: Loop | None = None,
        normalise: float | None = None,
    ) -> Provenance:
        """What `generate` would write into that clip.

        Raises:
            OptionError: `temperature` is no sensible one.
            GenvaeError: the run has no such genre, or `seconds` is less than a clip has or more than ten minutes.
        """
        require_genre(genre, self.genres)
        if not 0 <= temperature <= HOTTEST:
            raise OptionError(
                f"`temperature` takes from 0 to {HOTTEST:g}, not {temperature:g}: 1 is what was learnt, and beyond "
                "2 or 3 little is left of a genre."
            )
        if seconds is not None:
            self._samples(seconds)
            seconds = float(seconds)
        if loop is not None and loop.seconds < self.clip_samples / self.sample_rate:
            raise GenvaeError(
                f"A loop of {loop.seconds:.2g} s is shorter than a clip: give more `bars`, or fewer beats a minute."
            )
        if loop is not None:
            self._samples(loop.seconds)
        return Provenance(
            run=self.digest,
            genre=genre,
            seed=seed,
            index=index,
            temperature=float(temperature),
            vocoder=self._vocoder,
            versions=self._versions,
            seconds=seconds,
            bpm=None if loop is None else float(loop.bpm),
            bars=None if loop is None else loop.bars,
            normalise=None if normalise is None else float(normalise),
            attributes=dict(self.asked) or None,
        )

    @overload
    def generate(
        self,
        genre: str | Mixture,
        *,
        seed: int | None = ...,
        index: int = ...,
        count: None = ...,
        temperature: float = ...,
        seconds: float | None = ...,
        bpm: float | None = ...,
        bars: int = ...,
        normalise: float | None = ...,
        attributes: Mapping[str, object] | None = ...,
    ) -> Clip: ...

    @overload
    def generate(
        self,
        genre: str | Mixture,
        *,
        seed: int | None = ...,
        index: int = ...,
        count: int,
        temperature: float = ...,
        seconds: float | None = ...,
        bpm: float | None = ...,
        bars: int = ...,
        normalise: float | None = ...,
        attributes: Mapping[str, object] | None = ...,
    ) -> list[Clip]: ...

    def generate(
        self,
        genre: str | Mixture,
        *,
        seed: int | None = None,
        index: int = 0,
        count: int | None = None,
        temperature: float = 1.0,
        seconds: float | None = None,
        bpm: float | None = None,
        bars: int = 1,
        normalise: float | None = None,
        attributes: Mapping[str, object] | None = None,
    ) -> Clip | list[Clip]:
        """Draw a new latent from the prior and make it sound: clip `index` of `seed`, or `count` clips from there on.

        A clip is the same however many are asked for beside it.

        Args:
            genre: one of `genres`, or what each of several counts, such as `{"piano": 0.6, "techno": 0.4}`.
            seed: of all that is drawn; by default a new one, which stands in the clip's provenance.
            index: of the clip among those of its seed.
            count: how many clips; by default one alone rather than a list.
            temperature: spread of the latents: below 1 more typical, above 1 more unusual.
            seconds: for a longer sound, which begins at that latent and goes on, every two seconds, to another
                one near it, a third of the way to a further draw; by default one clip.
            bpm: for a loop at that tempo, on a way through such latents that ends where it began.
            bars: of four beats, in a loop.
            normalise: bring the peak to so many dB of full scale, such as -1; by default the level is the model's.
            attributes: what to ask for beyond the genre, such as `{"tempo": 128}`, of a run that knows it.

        Raises:
            OptionError: the run knows no such attribute, or not that value; the message says what it knows.
            GenvaeError: the run has no such genre, the sound would be shorter than a clip or longer than ten minutes,
                things are asked for that exclude each other, or what came out is not a finite sound.
        """
        if attributes:
            return self.with_attributes(attributes)._made(
                genre, seed, index, count, temperature, seconds, bpm, bars, normalise
            )
        return self._made(genre, seed, index, count, temperature, seconds, bpm, bars, normalise)

    def _made(
        self,
        genre: str | Mixture,
        seed: int | None,
        index: int,
        count: int | None,
        temperature: float,
        seconds: float | None,
        bpm: float | None,
        bars: int,
        normalise: float | None,
    ) -> Clip | list[Clip]:
        if bpm is not None and seconds is not None:
            raise GenvaeError("`bpm` and `seconds` both say how long the sound is: give one of them.")
        if not isinstance(genre, str) and (bpm is not None or seconds is not None):
            raise GenvaeError("A mixture of genres is one clip long: leave `seconds` and `bpm` out.")
        if isinstance(genre, str):
            require_genre(genre, self.genres)
        loop = None if bpm is None else Loop(bpm, bars)
        drawn = secrets.randbelow(2**31) if seed is None else seed

        def clip(number: int) -> Clip:
            if isinstance(genre, str):
                new_clip = self._generate(genre, drawn, number, temperature, seconds, loop)
            else:
                new_clip = self._mixed(genre, drawn, number, temperature)
            return new_clip if normalise is None else new_clip.normalised(normalise)

        if count is None:
            return clip(index)
        numbers = range(index, index + count)
        if not isinstance(genre, str) or seconds is not None or loop is not None:
            return [clip(number) for number in numbers]
        clips = self.generate_each([Draw(genre, drawn, number, temperature) for number in numbers])
        return clips if normalise is None else [each.normalised(normalise) for each in clips]

    def generate_each(self, wanted: Sequence[Draw | Decoding]) -> list[Clip]:
        """Clips, each as `generate` or `decode` makes it alone, but made side by side, which is faster.

        Raises:
            GenvaeError: the run has no such genre, a latent is not one of its, or a sound is not finite.
        """
        return [
            clip for first in range(0, len(wanted), GROUP) for clip in self._side_by_side(wanted[first : first + GROUP])
        ]

    @one_thread()
    @torch.no_grad()
    def _side_by_side(self, wanted: Sequence[Draw | Decoding]) -> list[Clip]:
        begun = [self._begun(each) for each in wanted]
        genres = [each.genre for each in wanted]
        waves = self._renderer.latents([z for z, _, _ in begun], genres, [generator for _, generator, _ in begun])
        return [self._clip(wave, made_by) for wave, (_, _, made_by) in zip(waves, begun, strict=True)]

    def _begun(self, wanted: Draw | Decoding) -> tuple[Tensor, torch.Generator, Provenance]:
        """The latent of a clip, its generator as it stands behind the latent's draw, and what to tell of the clip."""
        if isinstance(wanted, Decoding):
            path = LatentPath.of(wanted.z[None], [wanted.genre])
            made_by, generator = self._beginning(path, wanted.seed, wanted.index)
            return path.at(0.0).latent, generator, made_by
        genre, seed, index, temperature = wanted.genre, wanted.seed, wanted.index, wanted.temperature
        z, generator = self._drawn(genre, seed, index, temperature)
        return z, generator, self.provenance(genre, seed=seed, index=index, temperature=temperature)

    @one_thread()
    @torch.no_grad()
    def _generate(
        self, genre: str, seed: int, index: int, temperature: float, seconds: float | None, loop: Loop | None = None
    ) -> Clip:
        z, generator = self._drawn(genre, seed, index, temperature)
        made_by = self.provenance(genre, seed=seed, index=index, temperature=temperature, seconds=seconds, loop=loop)
        if loop is not None:
            return self._clip(self._looped(z, genre, generator, temperature, loop), made_by)
        if seconds is None:
            return self._clip(self._renderer.place(PathPoint(z, genre, genre, 0.0), generator), made_by)
        count = 2 + int((seconds - self.clip_samples / self.sample_rate) // _KNOT_SECONDS)
        path = self._around(z, genre, generator, temperature, count)
        return self._clip(self._renderer.path(path, self._samples(seconds), generator), made_by)

    def _looped(self, z: Tensor, genre: str, generator: torch.Generator, temperature: float, loop: Loop) -> Tensor:
        """A closed path through a latent [latent_dim] and others that are drawn, as a loop [samples]."""
        count = max(2, round(loop.seconds / _KNOT_SECONDS))
        path = self._around(z, genre, generator, temperature, count)
        path = LatentPath((*path.knots, path.knots[0]))
        samples = self._samples(loop.seconds)
        return close(self._renderer.loop(path, samples, round(SEAM * self.sample_rate), generator), samples)

    def _around(self, z: Tensor, genre: str, generator: torch.Generator, temperature: float, count: int) -> LatentPath:
        """A path from a latent [latent_dim] through others near it, `count` knots in all."""
        draws = [self._renderer.latent(genre, generator, temperature) for _ in range(count - 1)]
        near = [slerp(z, other, torch.tensor(_STRAY)) for other in draws]
        return LatentPath.of(torch.stack([z, *near]), [genre] * count)

    def _mixed(self, mixture: Mixture, seed: int, index: int, temperature: float) -> Clip:
        self.provenance(next(iter(mixture), ""), seed=seed, index=index, temperature=temperature)  # for what it refuses
        point = self.mixture(mixture, seed=seed, index=index, temperature=temperature)
        both = LatentPath((Knot(point.genre, point.latent), Knot(point.other, point.latent)))
        clip = self.decode_at(both, point.share, seed=seed, index=index)
        return replace(clip, provenance=replace(clip.provenance, temperature=float(temperature)))

    def mixture(self, mixture: Mixture, *, seed: int, index: int = 0, temperature: float = 1.0) -> PathPoint:
        """What clip `index` of `seed` draws in several genres, mixed; `decode_at` makes it sound.

        A latent is decoded as two genres at most, as each takes its time; where the two are equal in strength, they
        change places without a jump, and a third one is heard through the latent alone.

        Args:
            mixture: what each genre counts.
            seed: of what is drawn.
            index: of the clip.
            temperature: of the prior.

        Returns:
            the latent, the two strongest genres (or one twice), and the second's share among the two.

        Raises:
            GenvaeError: the run has no such genre, or a number is no weight.
        """
        order = ranked(mixture, self.genres)
        drawn = [self.latent(genre, seed=seed, index=index, temperature=temperature) for _, genre in order]
        shares = torch.tensor([share for share, _ in order], dtype=torch.float64)
        z = mix(torch.stack(drawn).double(), shares).float()
        if len(order) == 1:
            return PathPoint(z, order[0][1], order[0][1], 0.0)
        (first, genre), (second, other) = order[:2]
        return PathPoint(z, genre, other, second / (first + second))

    @one_thread()
    @torch.no_grad()
    def latent(self, genre: str, *, seed: int, index: int = 0, temperature: float = 1.0) -> Tensor:
        """The latent [latent_dim] that `generate` draws for clip `index` of `seed`.

        Raises:
            GenvaeError: the run has no such genre.
        """
        return self._drawn(genre, seed, index, temperature)[0]

    def decode(self, z: Tensor, genre: str, *, seed: int = 0, index: int = 0) -> Clip:
        """Make any latent [latent_dim] sound as a genre, with the noise of clip `index` of `seed`.

        The latent that `latent` gives for that seed and index sounds as `generate` makes it, to the bit.

        Raises:
            GenvaeError: the run has no such genre, the latent is not one of its, or the sound is not finite.
        """
        return self._decode_at(LatentPath.of(z[None], [genre]), None, seed, index)

    def decode_at(self, path: LatentPath, at: float, *, seed: int = 0, index: int = 0) -> Clip:
        """Make one place on a path sound, `at` from 0 to 1, with the noise of clip `index` of `seed` at its start.

        Between two genres it is a mixture of what either would make of the latent there.

        Raises:
            GenvaeError: as `decode`.
        """
        return self._decode_at(path, min(max(at, 0.0), 1.0), seed, index)

    @one_thread()
    @torch.no_grad()
    def decode_path(
        self, path: LatentPath, seconds: float, *, seed: int = 0, index: int = 0, on_clip: OnClip | None = None
    ) -> Clip:
        """Make a whole path sound, from its first knot to its last, as one sound of so many seconds.

        Clips along the path overlap by half, and their spectrograms are joined before the vocoder hears them.

        Args:
            path: where it leads.
            seconds: how long it sounds.
            seed: of the noise.
            index: of the noise.
            on_clip: called before each clip with its number and how many there are; what it raises ends the work.

        Raises:
            GenvaeError: as `decode_at`, or `seconds` is less than a clip has or more than ten minutes.
        """
        samples = self._samples(seconds)
        made_by, generator = self._beginning(path, seed, index)
        wave = self._renderer.path(path, samples, generator, on_clip=on_clip)
        return self._clip(wave, replace(made_by, seconds=float(seconds)))

    def seconds(self, steps: int) -> float:
        """The length of a path that `decode_path` makes of so many clips, each half over the next."""
        if not self.makes_sounds:
            raise GenvaeError(f"A {self.kind.name} has no length in seconds.")
        spec = self._pipeline.transform.spec
        frames = spec.frames(self.clip_samples)
        return spec.samples((steps - 1) * stride(frames) + frames) / self.sample_rate

    def interpolate(
        self,
        *sounds: SoundLike,
        seconds: float,
        seed: int | None = None,
        attributes: Mapping[str, object] | None = None,
        on_clip: OnClip | None = None,
    ) -> Clip:
        """Pass from one sound to another through the latent space, along great circles, as one sound.

        Args:
            sounds: two or more: a genre and a seed such as `techno@42`, a sound file, samples, or a latent's sound. Of
                a longer sound the first clip's length counts.
            seconds: how long it sounds.
            seed: of the noise; by default that of the first sound, or 0 where it has none.
            attributes: what to ask for all the way beyond the genres, such as `{"tempo": 128}`, of a run that knows it.
            on_clip: called before each clip with its number and how many there are; what it raises ends the work.

        Raises:
            OptionError: the run knows no such attribute, or not that value; the message says what it knows.
            GenvaeError: there are fewer than two sounds, or one that can't be encoded; else as `decode_path`.
        """
        if attributes:
            return self.with_attributes(attributes).interpolate(*sounds, seconds=seconds, seed=seed, on_clip=on_clip)
        if len(sounds) < 2:
            raise GenvaeError("To interpolate takes two sounds or more.")
        noise = seed
        if noise is None:
            named = seed_of(sounds[0]) if isinstance(sounds[0], str) else None
            noise = named[1] if named else 0
        path = LatentPath(tuple(self.locate(sound) for sound in sounds))
        return self.decode_path(path, seconds, seed=noise, on_clip=on_clip)

    def locate(self, sound: SoundLike) -> Knot:
        """Where a sound lies in the latent space, and the genre to decode it as; see `interpolate` for what it may be.

        Raises:
            GenvaeError: it is no sound, or the run has no such genre.
        """
        if isinstance(sound, str):
            if named := seed_of(sound):
                genre, seed = named
                return Knot(genre, self.latent(genre, seed=seed))
            sound = file_of(sound, self.genres, self.kind.name)
        wave = samples_of(sound, self.kind)
        latents, genre = self.encode(wave[: self.clip_samples] if self.makes_sounds else wave)
        return Knot(genre, latents[0])

    def remake(self, provenance: Provenance) -> Clip:
        """Make what a provenance tells of; its run and vocoder must be this one's.

        Raises:
            GenvaeError: as what made it.
        """
        asked = self.with_attributes(provenance.attributes) if provenance.attributes else self
        clip = asked._remade(provenance)
        return clip if provenance.normalise is None else clip.normalised(provenance.normalise)

    def _remade(self, recipe: Provenance) -> Clip:
        if recipe.waypoints is None:
            loop = None if recipe.bpm is None else Loop(recipe.bpm, recipe.bars or 0)
            return self._generate(recipe.genre, recipe.seed, recipe.index, recipe.temperature, recipe.seconds, loop)
        path = LatentPath(tuple(Knot(each.genre, torch.from_numpy(each.values())) for each in recipe.waypoints))
        if recipe.seconds is None:
            clip = self._decode_at(path, recipe.at, recipe.seed, recipe.index)
        else:
            clip = self.decode_path(path, recipe.seconds, seed=recipe.seed, index=recipe.index)
        return replace(clip, provenance=replace(clip.provenance, temperature=recipe.temperature))

    @one_thread()
    @torch.no_grad()
    def encode(self, sound: SoundLike, genre: str | None = None) -> Encoding:
        """The latents of a sound's clips, one after the other, and the genre under which it was encoded.

        Args:
            sound: a file, samples at `sample_rate`, or a made sound; the last clip is padded with silence.
            genre: to condition on; by default the one under which the model's features come nearest.

        Raises:
            GenvaeError: the run has no such genre, or the sound can't be read.
        """
        wave = samples_of(sound, self.kind)
        return Encoding(*self._renderer.encode(wave, [genre] if genre else self.genres))

    @one_thread()
    @torch.no_grad()
    def reconstruct(
        self,
        sound: SoundLike,
        genre: str | None = None,
        *,
        attributes: Mapping[str, object] | None = None,
        shift: Tensor | None = None,
        on_clip: OnClip | None = None,
    ) -> Reconstruction:
        """Encode and decode a sound and make it sound again; clips overlap by half, so that it has no seams.

        Args:
            sound: a file, samples at `sample_rate`, or a made sound; ten minutes at most.
            genre: to condition on; by default the one under which the model's features come nearest.
            attributes: what to ask for beyond the genre, such as `{"tempo": 128}`, of a run that knows it.
            shift: [latent_dim], added to each clip's latent to make it sound otherwise.
            on_clip: called before each clip with its number and how many there are; what it raises ends the work.

        Raises:
            OptionError: the run knows no such attribute, or not that value; the message says what it knows.
            GenvaeError: the run has no such genre, the sound can't be read or is too long, or what came out is not a
                finite sound.
        """
        if attributes:
            return self.with_attributes(attributes).reconstruct(sound, genre, shift=shift, on_clip=on_clip)
        wave = samples_of(sound, self.kind)
        if not self.makes_sounds:
            _, chosen = self.encode(wave, genre)
            output = self._renderer.reconstruct_item(wave, chosen, item_generator(0, chosen, 0), shift)
            distance = float((output - wave).square().mean().sqrt())
            return Reconstruction(output, 0, chosen, distance, kind=self.kind, attributes=self.asked)
        if len(wave) > LONGEST * self.sample_rate:
            seconds = len(wave) / self.sample_rate
            raise GenvaeError(f"It has {seconds:.0f} s, and a reconstruction at most {LONGEST:g}: take a part of it.")
        _, chosen = self.encode(wave, genre)
        generator = item_generator(0, chosen, 0)
        output = self._renderer.reconstruct(wave, chosen, generator, shift=shift, on_clip=on_clip)
        output = limited(output, self.sample_rate)
        distance = log_spectral_distance(wave, output)
        return Reconstruction(output, self.sample_rate, chosen, distance, attributes=self.asked)

    def _drawn(self, genre: str, seed: int, index: int, temperature: float) -> tuple[Tensor, torch.Generator]:
        """The latent [latent_dim] of a clip, and its generator as it stands behind that draw."""
        generator = item_generator(seed, genre, index)
        return self._renderer.latent(genre, generator, temperature), generator

    @one_thread()
    @torch.no_grad()
    def _decode_at(self, path: LatentPath, at: float | None, seed: int, index: int) -> Clip:
        made_by, generator = self._beginning(path, seed, index)
        return self._clip(self._renderer.place(path.at(at or 0.0), generator), replace(made_by, at=at))

    def _beginning(self, path: LatentPath, seed: int, index: int) -> tuple[Provenance, torch.Generator]:
        """What to tell of a sound on a path, and its generator: behind the draw that `generate` would make there."""
        self._renderer.require(path)
        start = path.knots[0].genre
        _, generator = self._drawn(start, seed, index, 1.0)
        waypoints = tuple(Waypoint.of(knot.genre, knot.latent.numpy()) for knot in path.knots)
        return replace(self.provenance(start, seed=seed, index=index), waypoints=waypoints), generator

    def _clip(self, wave: Tensor, made_by: Provenance) -> Clip:
        if not self.makes_sounds:
            return Clip(wave, 0, made_by, kind=self.kind)
        return Clip(limited(wave, self.sample_rate), self.sample_rate, made_by)

    @property
    def makes_sounds(self) -> bool:
        """Whether its items are sounds, which have a rate and a length."""
        return isinstance(self.kind, Sounds)

    def _samples(self, seconds: float) -> int:
        if not self.makes_sounds:
            raise GenvaeError(f"`seconds` is for sounds, and this run makes each {self.kind.name} whole: leave it out.")
        shortest = self.clip_samples / self.sample_rate
        if not shortest <= seconds <= LONGEST:
            raise GenvaeError(
                f"A sound of {seconds:g} s can't be made of this run's clips: `seconds` takes from {shortest:g} to "
                f"{LONGEST:g}."
            )
        return round(seconds * self.sample_rate)


def item_generator(seed: int, genre: str, index: int) -> torch.Generator:
    """The source of all randomness of clip `index` of `seed`; the same in every process and version."""
    key = json.dumps([seed, genre, index]).encode("ascii")
    digest = hashlib.blake2b(key, digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)  # torch takes 63 bits
