"""Makes clips: prior -> model -> transform -> vocoder, each with what made it; and brings a sound through the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

import genvae
from genvae.audio import wav
from genvae.errors import GenvaeError, PluginError, nearest
from genvae.joining import clips_for, join
from genvae.pipeline import SECTIONS, Part
from genvae.provenance import Provenance, Waypoint
from genvae.registry import Registry
from genvae.run import Run
from genvae.walk import Knot, Path, Place

LONGEST = 600.0  # seconds of one sound
_LOUDEST = 0.99  # peak of a clip that would be beyond full scale
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
        self._pipeline = run.load(registry, config=config)
        self._versions = {"genvae": genvae.__version__, "torch": str(torch.__version__)}
        for section in SECTIONS:
            part: Part = getattr(config, section)
            row = registry.row(section, f"{part.distribution}:{part.plugin}")
            self._versions.setdefault(row.distribution, row.version)
        self._vocoder: Mapping[str, Any] = config.to_json()["vocoder"]

    def provenance(
        self, genre: str, *, seed: int, index: int, temperature: float = 1.0, seconds: float | None = None
    ) -> Provenance:
        """What `generate` would write into that clip.

        Raises:
            GenvaeError: the run has no such genre, or `seconds` is less than a clip has or more than ten minutes.
        """
        self._label(genre)
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
            wave = self._sound(self._features(Place(z, genre, genre, 0.0), generator), generator)
            return Clip(_within_full_scale(wave), self.sample_rate, made_by)
        knots = [z]
        while len(knots) < 2 + (seconds - self.clip_samples / self.sample_rate) // _KNOT_SECONDS:
            [more] = self._pipeline.prior.sample(self._label(genre), generator=generator, temperature=temperature)
            knots.append(more)
        path = Path.of(torch.stack(knots), [genre] * len(knots))
        return self._travelled(path, self._samples(seconds), generator, made_by)

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
        return self._travelled(path, samples, generator, replace(made_by, seconds=float(seconds)))

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
        padded = torch.nn.functional.pad(wave, (0, -len(wave) % self.clip_samples))
        features = [self._pipeline.transform(clip[None]) for clip in torch.split(padded, self.clip_samples)]
        label, latents = self._fitting(features, [genre] if genre else self.genres)
        return torch.cat(latents).float(), self.genres[int(label)]

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
            sounds.append(self._sound(self._features(Place(z, chosen, chosen, 0.0), generator), generator))
        made = _within_full_scale(torch.cat(sounds))
        padded = torch.nn.functional.pad(wave, (0, len(made) - len(wave)))
        return Reconstruction(made[: len(wave)], self.sample_rate, chosen, log_spectral_distance(padded, made))

    def _fitting(self, features: Sequence[Tensor], genres: Sequence[str]) -> tuple[Tensor, list[Tensor]]:
        """Of some genres the one under which features [1, bins, frames] are decoded best: its label and their latents.

        Raises:
            GenvaeError: the run has no such genre.
        """
        model = self._pipeline.model
        found = []
        for genre in genres:
            label = self._label(genre)
            latents = [model.encode(each, label).mean for each in features]  # [1, latent_dim] each
            decoded = (model.decode(z, label) for z in latents)
            missed = sum(float((a - b).square().mean()) for a, b in zip(decoded, features, strict=True))
            found.append((missed, label, latents))
        _, label, latents = min(found, key=lambda each: each[0])
        return label, latents

    def _drawn(self, genre: str, seed: int, index: int, temperature: float) -> tuple[Tensor, torch.Generator]:
        """The latent [latent_dim] of a clip, and its generator as it stands behind that draw."""
        generator = item_generator(seed, genre, index)
        z = self._pipeline.prior.sample(self._label(genre), generator=generator, temperature=temperature)
        return z[0], generator

    @_one_thread()
    @torch.no_grad()
    def _visit(self, path: Path, at: float | None, seed: int, index: int) -> Clip:
        made_by, generator = self._beginning(path, seed, index)
        wave = self._sound(self._features(path.at(at or 0.0), generator), generator)
        return Clip(_within_full_scale(wave), self.sample_rate, replace(made_by, at=at))

    def _beginning(self, path: Path, seed: int, index: int) -> tuple[Provenance, torch.Generator]:
        """What to tell of a sound on a path, and its generator: behind the draw that `generate` would make there."""
        self._require_latents(path)
        start = path.knots[0].genre
        _, generator = self._drawn(start, seed, index, 1.0)
        waypoints = tuple(Waypoint.of(knot.genre, knot.latent.numpy()) for knot in path.knots)
        return replace(self.provenance(start, seed=seed, index=index), waypoints=waypoints), generator

    def _travelled(self, path: Path, samples: int, generator: torch.Generator, made_by: Provenance) -> Clip:
        """The sound of a whole path, clip by clip with new noise, joined before the vocoder."""
        spec = self._pipeline.transform.spec
        total, count = spec.frames(samples), clips_for(spec.frames(samples), spec.frames(self.clip_samples))
        places = (path.at(number / max(count - 1, 1)) for number in range(count))
        clips = (self._pipeline.transform.invert(self._features(place, generator))[0] for place in places)
        wave = self._vocoded(join(clips, total, spec)[None], samples, generator)
        return Clip(_within_full_scale(wave), self.sample_rate, made_by)

    def _samples(self, seconds: float) -> int:
        shortest = self.clip_samples / self.sample_rate
        if not shortest <= seconds <= LONGEST:
            raise GenvaeError(f"A sound of {seconds:g} s can't be made of this run's clips: "
                              f"it takes from {shortest:g} to {LONGEST:g} seconds.")  # fmt: skip
        return round(seconds * self.sample_rate)

    def _features(self, place: Place, generator: torch.Generator) -> Tensor:
        """The features [1, bins, frames] of a place; under both of its genres with the same draws, and blended."""
        z, model = place.latent[None], self._pipeline.model
        state = generator.get_state()
        features = model.decode(z, self._label(place.genre), generator=generator)
        if place.share == 0.0 or place.other == place.genre:
            return features
        generator.set_state(state)
        return torch.lerp(features, model.decode(z, self._label(place.other), generator=generator), place.share)

    def _require_latents(self, path: Path) -> None:
        """Check that a path lies in this run's latent space."""
        dim = self._pipeline.model.latent_dim
        for knot in path.knots:
            self._label(knot.genre)
            if knot.latent.shape != (dim,):
                shape = list(knot.latent.shape)
                raise GenvaeError(f"A latent of shape {shape} is none of this run's: they are [{dim}].")
            if not torch.isfinite(knot.latent).all():
                raise GenvaeError("A latent has values that are not finite numbers.")

    def _label(self, genre: str) -> Tensor:
        """The genre's index, [1]."""
        require_genre(genre, self.genres)
        return torch.tensor([self.genres.index(genre)])

    def _sound(self, features: Tensor, generator: torch.Generator) -> Tensor:
        """Features [1, bins, frames] -> a finite waveform [clip_samples]."""
        return self._vocoded(self._pipeline.transform.invert(features), self.clip_samples, generator)

    def _vocoded(self, spectrogram: Tensor, samples: int, generator: torch.Generator) -> Tensor:
        """What the transform's inverse gives, [1, bins, frames] -> a finite waveform [samples]."""
        parts = self._pipeline
        wave = parts.vocode(spectrogram, length=samples, generator=generator)
        if wave.shape != (1, samples):
            name, shape = parts.config.vocoder.plugin, list(wave.shape)
            raise PluginError(f"The vocoder {name!r} gave a waveform of shape {shape}, expected {[1, samples]}.")
        if not torch.isfinite(wave).all():
            raise GenvaeError("What came out is not a sound: it has values that are not finite numbers. "
                              "Lower the temperature, or the run's training has gone wrong.")  # fmt: skip
        return wave[0].float()


def require_genre(genre: str, genres: Sequence[str]) -> None:
    """Check that a run knows a genre.

    Raises:
        GenvaeError: naming those that it knows.
    """
    if genre not in genres:
        close = nearest(genre, genres)
        hint = f" {close}" if close.startswith("Did") else ""
        raise GenvaeError(f"There is no genre {genre!r} in this run.{hint} Known: {', '.join(genres)}.")


def item_generator(seed: int, genre: str, index: int) -> torch.Generator:
    """The source of all randomness of clip `index` of `seed`; the same in every process and version."""
    key = json.dumps([seed, genre, index]).encode("ascii")
    digest = hashlib.blake2b(key, digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)  # torch takes 63 bits


def log_spectral_distance(reference: Tensor, other: Tensor) -> float:
    """How far two waveforms [samples] are apart in dB, whatever their phases: 0 for the same, 6 for half the level.

    The root mean square over frequencies of the difference of their levels, averaged over frames of 1024 samples.
    Below 80 dB under the reference's loudest value all is taken as silence.
    """
    window = torch.hann_window(1024)

    def power(wave: Tensor) -> Tensor:
        transformed = torch.stft(wave, 1024, 256, window=window, pad_mode="constant", return_complex=True)
        return transformed.abs().square()  # [513, frames]

    ours, theirs = power(reference), power(other)
    floor = (ours.max() * 1e-8).clamp_min(1e-8)
    apart = 10.0 * (ours.clamp_min(floor).log10() - theirs.clamp_min(floor).log10())
    return float(apart.square().mean(dim=0).sqrt().mean())


def _within_full_scale(wave: Tensor) -> Tensor:
    """The waveform, made quieter as a whole if it is beyond full scale, as cutting its peaks would distort it."""
    peak = float(wave.abs().max())
    return wave * (_LOUDEST / peak) if peak > 1.0 else wave
