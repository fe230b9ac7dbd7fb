"""Makes clips: prior -> model -> transform -> vocoder, each with what made it; and brings a sound through the model."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

import genvae
from genvae.audio import wav
from genvae.errors import GenvaeError
from genvae.pipeline import SECTIONS, Part, Pipeline
from genvae.plugin.registry import Registry
from genvae.run import Run
from genvae.synthesis.crossfade import stride
from genvae.synthesis.latent_path import Knot, Path, Place
from genvae.synthesis.provenance import Provenance, Waypoint
from genvae.synthesis.renderer import Renderer, log_spectral_distance, require_genre, within_full_scale

LONGEST = 600.0  # seconds of one sound
_KNOT_SECONDS = 2.0  # from one drawn latent to the next in a longer sound


@dataclass(frozen=True)
class Clip:
    """A generated clip: its waveform [samples] within ±1, its rate in Hz, and what made it."""

    wave: Tensor
    sample_rate: int
    provenance: Provenance

    def wav(self) -> bytes:
        """The clip as a 16-bit wav file that says what made it."""
        return wav.encode(self.wave.numpy(), self.sample_rate, self.provenance.info())


@dataclass(frozen=True)
class Reconstruction:
    """A sound that went through the model.

    wave: [samples] within ±1, as long as the original. sample_rate: in Hz. genre: the one it was conditioned on.
    distance: log-spectral distance from the original, in dB.
    """

    wave: Tensor
    sample_rate: int
    genre: str
    distance: float

    def wav(self) -> bytes:
        """The sound as a 16-bit wav file."""
        return wav.encode(self.wave.numpy(), self.sample_rate, {"ISFT": f"genvae {genvae.__version__}"})


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread, as with more of them a sum's last bits would depend on how many cores there are."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Synthesizer:
    """A trained run, loaded once, that makes any number of clips on the CPU.

    Every clip has a random generator of its own and goes through the net alone, so that its bytes depend neither on
    the clips before it nor on how many are asked for.

    Args:
        run: a run whose training has ended.
        registry: where its plugins come from.
        vocoder: in place of the run's own.

    Raises:
        RunError: the run is unfinished or damaged. PluginError: a plugin that it names is missing.

    Attributes:
        genres: the names that `generate` takes. sample_rate: of the clips, in Hz. clip_samples: samples in a clip.
        digest: the run's.
    """

    def __init__(self, run: Run, registry: Registry, *, vocoder: Part | None = None) -> None:
        config = replace(run.config, vocoder=vocoder) if vocoder else run.config
        self.digest = run.digest()
        self.genres = config.genres
        self.sample_rate = config.sample_rate
        self.clip_samples = config.clip_samples
        self._use(run.load(registry, config=config), registry)

    def with_vocoder(self, registry: Registry, vocoder: Part) -> Synthesizer:
        """The same run with another vocoder; the nets are shared.

        Raises:
            PluginError: it is missing. SpecMismatch: it doesn't fit the run's features.
        """
        other = copy.copy(self)
        with torch.random.fork_rng(devices=[]):  # building may draw
            other._use(self._pipeline.with_vocoder(registry, vocoder), registry)
        return other

    def _use(self, pipeline: Pipeline, registry: Registry) -> None:
        """Generate with a pipeline, and name its distributions' versions."""
        self._pipeline = pipeline
        self._renderer = Renderer(pipeline)
        self._versions = {"genvae": genvae.__version__, "torch": str(torch.__version__)}
        for section in SECTIONS:
            part: Part = getattr(pipeline.config, section)
            row = registry.row(section, f"{part.distribution}:{part.plugin}")
            self._versions.setdefault(row.distribution, row.version)
        self._vocoder: Mapping[str, Any] = pipeline.config.to_json()["vocoder"]

    def provenance(
        self, genre: str, *, seed: int, index: int, temperature: float = 1.0, seconds: float | None = None
    ) -> Provenance:
        """What `generate` would write into that clip.

        Raises:
            GenvaeError: the run has no such genre, or `seconds` is less than a clip has or more than ten minutes.
        """
        require_genre(genre, self.genres)
        if seconds is not None:
            self._samples(seconds)
            seconds = float(seconds)
        return Provenance(run=self.digest, genre=genre, seed=seed, index=index, temperature=float(temperature),
                          vocoder=self._vocoder, versions=self._versions, seconds=seconds)  # fmt: skip

    @_one_thread()
    @torch.no_grad()
    def generate(
        self, genre: str, *, seed: int, index: int, temperature: float = 1.0, seconds: float | None = None
    ) -> Clip:
        """Draw a new latent from the prior and make it sound: clip `index` of `seed`.

        Args:
            seconds: for a longer sound, which begins at that latent and goes on to others that are drawn likewise,
                one every two seconds.

        Raises:
            GenvaeError: the run has no such genre, `seconds` is less than a clip has or more than ten minutes, or what
                came out is not a finite sound.
        """
        z, generator = self._drawn(genre, seed, index, temperature)
        made_by = self.provenance(genre, seed=seed, index=index, temperature=temperature, seconds=seconds)
        if seconds is None:
            return self._clip(self._renderer.place(Place(z, genre, genre, 0.0), generator), made_by)
        knots = [z]
        while len(knots) < 2 + (seconds - self.clip_samples / self.sample_rate) // _KNOT_SECONDS:
            knots.append(self._renderer.latent(genre, generator, temperature))
        path = Path.of(torch.stack(knots), [genre] * len(knots))
        return self._clip(self._renderer.path(path, self._samples(seconds), generator), made_by)

    @_one_thread()
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
        return self._visit(Path.of(z[None], [genre]), None, seed, index)

    def visit(self, path: Path, at: float, *, seed: int = 0, index: int = 0) -> Clip:
        """Make one place on a path sound, `at` from 0 to 1, with the noise of clip `index` of `seed` at its start.

        Between two genres it is a mixture of what either would make of the latent there.

        Raises:
            GenvaeError: as `decode`.
        """
        return self._visit(path, min(max(at, 0.0), 1.0), seed, index)

    @_one_thread()
    @torch.no_grad()
    def travel(self, path: Path, seconds: float, *, seed: int = 0, index: int = 0) -> Clip:
        """Make a whole path sound, from its first knot to its last, as one sound of so many seconds.

        Clips along the path overlap by half, and their spectrograms are joined before the vocoder hears them.

        Raises:
            GenvaeError: as `visit`, or `seconds` is less than a clip has or more than ten minutes.
        """
        samples = self._samples(seconds)
        made_by, generator = self._beginning(path, seed, index)
        return self._clip(self._renderer.path(path, samples, generator), replace(made_by, seconds=float(seconds)))

    def seconds(self, steps: int) -> float:
        """The length of a path that `travel` makes of so many clips, each half over the next."""
        spec = self._pipeline.transform.spec
        frames = spec.frames(self.clip_samples)
        return spec.samples((steps - 1) * stride(frames) + frames) / self.sample_rate

    def again(self, told: Provenance) -> Clip:
        """Make what a provenance tells of; its run and vocoder must be this one's.

        Raises:
            GenvaeError: as what made it.
        """
        if told.waypoints is None:
            return self.generate(told.genre, seed=told.seed, index=told.index, temperature=told.temperature,
                                 seconds=told.seconds)  # fmt: skip
        path = Path(tuple(Knot(each.genre, torch.from_numpy(each.values())) for each in told.waypoints))
        if told.seconds is None:
            return self._visit(path, told.at, told.seed, told.index)
        return self.travel(path, told.seconds, seed=told.seed, index=told.index)

    @_one_thread()
    @torch.no_grad()
    def encode(self, wave: Tensor, genre: str | None = None) -> tuple[Tensor, str]:
        """The latents of a sound's clips, [clips, latent_dim], and the genre under which it was encoded.

        Args:
            wave: [samples] at `sample_rate`, at least one; the last clip is padded with silence.
            genre: to condition on; by default the one under which the model's features come nearest.

        Raises:
            GenvaeError: the run has no such genre.
        """
        return self._renderer.encode(wave, [genre] if genre else self.genres)

    @_one_thread()
    @torch.no_grad()
    def reconstruct(self, wave: Tensor, genre: str | None = None) -> Reconstruction:
        """Encode and decode a sound, clip by clip with the last one padded, and make it sound again.

        Args:
            wave: [samples] at `sample_rate`, at least one.
            genre: to condition on; by default the one under which the model's features come nearest.

        Raises:
            GenvaeError: the run has no such genre, or what came out is not a finite sound.
        """
        latents, chosen = self.encode(wave, genre)
        sounds = []
        for index, z in enumerate(latents):
            generator = item_generator(0, chosen, index)
            # Drawn as in `generate`: the likelihood's mean lacks a sound's noise, and with it several dB of its level.
            sounds.append(self._renderer.place(Place(z, chosen, chosen, 0.0), generator))
        made = within_full_scale(torch.cat(sounds))
        padded = torch.nn.functional.pad(wave, (0, len(made) - len(wave)))
        return Reconstruction(made[: len(wave)], self.sample_rate, chosen, log_spectral_distance(padded, made))

    def _drawn(self, genre: str, seed: int, index: int, temperature: float) -> tuple[Tensor, torch.Generator]:
        """The latent [latent_dim] of a clip, and its generator as it stands behind that draw."""
        generator = item_generator(seed, genre, index)
        return self._renderer.latent(genre, generator, temperature), generator

    @_one_thread()
    @torch.no_grad()
    def _visit(self, path: Path, at: float | None, seed: int, index: int) -> Clip:
        made_by, generator = self._beginning(path, seed, index)
        return self._clip(self._renderer.place(path.at(at or 0.0), generator), replace(made_by, at=at))

    def _beginning(self, path: Path, seed: int, index: int) -> tuple[Provenance, torch.Generator]:
        """What to tell of a sound on a path, and its generator: behind the draw that `generate` would make there."""
        self._renderer.require(path)
        start = path.knots[0].genre
        _, generator = self._drawn(start, seed, index, 1.0)
        waypoints = tuple(Waypoint.of(knot.genre, knot.latent.numpy()) for knot in path.knots)
        return replace(self.provenance(start, seed=seed, index=index), waypoints=waypoints), generator

    def _clip(self, wave: Tensor, made_by: Provenance) -> Clip:
        return Clip(within_full_scale(wave), self.sample_rate, made_by)

    def _samples(self, seconds: float) -> int:
        shortest = self.clip_samples / self.sample_rate
        if not shortest <= seconds <= LONGEST:
            raise GenvaeError(f"A sound of {seconds:g} s can't be made of this run's clips: "
                              f"it takes from {shortest:g} to {LONGEST:g} seconds.")  # fmt: skip
        return round(seconds * self.sample_rate)


def item_generator(seed: int, genre: str, index: int) -> torch.Generator:
    """The source of all randomness of clip `index` of `seed`; the same in every process and version."""
    key = json.dumps([seed, genre, index]).encode("ascii")
    digest = hashlib.blake2b(key, digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)  # torch takes 63 bits
