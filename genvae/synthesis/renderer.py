"""The way of sound through a pipeline's parts: from a latent or a path of them to a waveform, and back to latents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from genvae.attributes import Value, told
from genvae.errors import GenvaeError, nearest
from genvae.interfaces.model import Model
from genvae.pipeline import Pipeline
from genvae.plugin.guard import BrokenContract, defined_at
from genvae.returned import require_tensor
from genvae.synthesis.crossfade import clips_around, clips_for, join, join_circle, stride
from genvae.synthesis.latent_path import LatentPath, PathPoint

OnClip = Callable[[int, int], None]
"""Called before each clip of a longer sound, with its number and how many there are; what it raises ends the work."""


class Renderer:
    """A pipeline, one clip at a time; a part that fails is named.

    Everything random is drawn from the generator that is given.

    Args:
        pipeline: whose parts make the sounds.
        attributes: that its model is asked for, checked; none for whatever the latents say.
    """

    def __init__(self, pipeline: Pipeline, attributes: Mapping[str, Value] | None = None) -> None:
        self._pipeline = pipeline
        known = pipeline.config.attributes
        self._asked = {"attributes": torch.from_numpy(told(attributes, known))} if attributes else {}
        self._genres, self._clip_samples = pipeline.config.genres, pipeline.config.clip_samples
        self._shape = pipeline.kind.shape

    def latent(self, genre: str, generator: torch.Generator, temperature: float) -> Tensor:
        """One draw from the prior, [latent_dim]."""
        label = self._label(genre)
        with self._pipeline.using("prior", "drawing a latent"):
            prior = self._pipeline.prior
            z = prior.sample(label, generator=generator, temperature=temperature)
            z = require_tensor(z, (1, self._pipeline.model.latent_dim), prior.sample, "latents")
            if not torch.isfinite(z).all():
                who = f"{prior.sample.__name__}{defined_at(prior.sample)}"
                raise BrokenContract(
                    f"{who} returns latents that are not finite numbers, at the temperature {temperature:g}"
                )
        return z[0]

    def place(self, place: PathPoint, generator: torch.Generator) -> Tensor:
        """The sound of a place in the latent space, a finite waveform [clip_samples]; of other items the item.

        Raises:
            GenvaeError: the run has no such genre, or the sound is not finite.
        """
        return self._vocoded(self._pipeline.spectrogram(self._features(place, generator)), self._shape, generator)

    def latents(
        self, latents: Sequence[Tensor], genres: Sequence[str], generators: Sequence[torch.Generator]
    ) -> list[Tensor]:
        """The sounds of latents [latent_dim], each as `place` makes it alone, with a genre and a generator of its own.

        Raises:
            GenvaeError: as `place`.
        """
        model = self._pipeline.model
        if self._asked and type(model).decode_each is Model.decode_each:  # which hands on no attributes
            alone = zip(latents, genres, generators, strict=True)
            features = torch.cat([self._decoded(z, genre, own) for z, genre, own in alone])
        else:
            labels = torch.cat([self._label(genre) for genre in genres])
            asked = {name: row.expand(len(latents), -1) for name, row in self._asked.items()}
            with self._pipeline.using("model", "decoding"):
                features = model.decode_each(torch.stack(list(latents)), labels, generators=generators, **asked)
                spec = self._pipeline.transform.spec
                shape = (len(latents), spec.bins, spec.frames(self._clip_samples))
                require_tensor(features, shape, model.decode_each, "features")
        pairs = zip(torch.split(features, 1), generators, strict=True)
        return [self._vocoded(self._pipeline.spectrogram(each), self._shape, own) for each, own in pairs]

    def path(
        self, path: LatentPath, samples: int, generator: torch.Generator, *, on_clip: OnClip | None = None
    ) -> Tensor:
        """The sound of a whole path, a finite waveform [samples]: clips with new noise each, joined before the vocoder.

        Raises:
            GenvaeError: as `place`.
        """
        spec = self._pipeline.transform.spec
        total, count = spec.frames(samples), clips_for(spec.frames(samples), spec.frames(self._clip_samples))

        def clips() -> Iterator[Tensor]:
            for number in range(count):
                if on_clip:
                    on_clip(number, count)
                place = path.at(number / max(count - 1, 1))
                yield self._pipeline.spectrogram(self._features(place, generator))[0]

        return self._vocoded(join(clips(), total, spec)[None], (samples,), generator)

    def reconstruct_item(self, item: Tensor, genre: str, generator: torch.Generator, shift: Tensor | None) -> Tensor:
        """Encode an item that is no sound, [*shape], and decode it, with `shift` [latent_dim] added to its latent."""
        latents, _ = self.encode(item, [genre])
        z = latents[0] if shift is None else latents[0] + shift
        return self.place(PathPoint(z, genre, genre, 0.0), generator)

    def loop(self, path: LatentPath, samples: int, seam: int, generator: torch.Generator) -> Tensor:
        """The sound of a closed path, [samples + seam]: on a circle, and as much more as is faded into its beginning.

        Raises:
            GenvaeError: as `place`.
        """
        spec = self._pipeline.transform.spec
        hop = spec.samples(2) - spec.samples(1)
        around = max(1, round(samples / hop))
        count = clips_around(around, spec.frames(self._clip_samples))
        clips = [
            self._pipeline.spectrogram(self._features(path.at(number / count), generator))[0]
            for number in range(count)  # the last knot is the first again
        ]
        circle = join_circle(clips, around, spec)
        before = -(-spec.n_fft // hop)  # frames that the vocoder hears ahead: beyond its ends all is silence
        length = before * hop + samples + seam
        frames = torch.arange(spec.frames(length + spec.n_fft)) - before
        wave = self._vocoded(circle[None, :, frames % around], (spec.samples(len(frames)),), generator)
        return wave[before * hop : length]

    def reconstruct(
        self,
        wave: Tensor,
        genre: str,
        generator: torch.Generator,
        *,
        shift: Tensor | None = None,
        on_clip: OnClip | None = None,
    ) -> Tensor:
        """Encode a sound [samples] and decode it -> a finite waveform [samples].

        Clips overlap by half, and their spectrograms are joined before the vocoder, so that it has no seams. `shift`
        [latent_dim] is added to each clip's latent.

        Raises:
            GenvaeError: the run has no such genre, or the sound is not finite.
        """
        spec, label = self._pipeline.transform.spec, self._label(genre)
        samples = max(len(wave), self._clip_samples)
        total, frames = spec.frames(samples), spec.frames(self._clip_samples)
        count = clips_for(total, frames)
        step = spec.samples(1 + stride(frames)) - spec.samples(1)  # in samples
        padded = torch.nn.functional.pad(wave, (0, (count - 1) * step + self._clip_samples - len(wave)))

        def clips() -> Iterator[Tensor]:
            for number, start in enumerate(range(0, count * step, step)):
                if on_clip:
                    on_clip(number, count)
                features = self._pipeline.features(padded[None, start : start + self._clip_samples])
                z = self._pipeline.posterior(features, label).mean.float()[0]
                z = z if shift is None else z + shift
                # Drawn as in `generate`: the likelihood's mean lacks a sound's noise, and with it several dB of level.
                yield self._pipeline.spectrogram(self._decoded(z, genre, generator))[0]

        return self._vocoded(join(clips(), total, spec)[None], (samples,), generator)[: len(wave)]

    def encode(self, wave: Tensor, genres: Sequence[str]) -> tuple[Tensor, str]:
        """The latents of a sound's clips, [clips, latent_dim], under the genre of some that suits it best.

        Args:
            wave: [samples], at least one, the last clip is padded with silence; or another item.

        Raises:
            GenvaeError: the run has no such genre.
        """
        clips: Sequence[Tensor] = [wave]
        if wave.ndim == 1:
            padded = torch.nn.functional.pad(wave, (0, -len(wave) % self._clip_samples))
            clips = torch.split(padded, self._clip_samples)
        features = [self._pipeline.features(clip[None]) for clip in clips]
        label, latents = self._fitting(features, genres)
        return torch.cat(latents).float(), self._genres[int(label)]

    def require(self, path: LatentPath) -> None:
        """Check that a path lies in the pipeline's latent space.

        Raises:
            GenvaeError: it has another dimension, a value that is not finite, or a genre that the run has not.
        """
        dim = self._pipeline.model.latent_dim
        for knot in path.knots:
            self._label(knot.genre)
            if knot.latent.shape != (dim,):
                shape = list(knot.latent.shape)
                raise GenvaeError(f"A latent of shape {shape} is none of this run's: they are [{dim}].")
            if not torch.isfinite(knot.latent).all():
                raise GenvaeError("A latent has values that are not finite numbers.")

    def _fitting(self, features: Sequence[Tensor], genres: Sequence[str]) -> tuple[Tensor, list[Tensor]]:
        """Of some genres the one under which features [1, bins, frames] are decoded best: its label and their latents.

        Raises:
            GenvaeError: the run has no such genre.
        """
        parts = self._pipeline
        candidates = []
        for genre in genres:
            label = self._label(genre)
            latents = [parts.posterior(each, label).mean for each in features]  # [1, latent_dim] each
            decoded = (parts.decoded(z, label) for z in latents)
            missed = sum(float((a - b).square().mean()) for a, b in zip(decoded, features, strict=True))
            candidates.append((missed, label, latents))
        _, label, latents = min(candidates, key=lambda each: each[0])
        return label, latents

    def _features(self, place: PathPoint, generator: torch.Generator) -> Tensor:
        """The features [1, bins, frames] of a place; under both of its genres with the same draws, and blended."""
        state = generator.get_state()
        features = self._decoded(place.latent, place.genre, generator)
        if place.share == 0.0 or place.other == place.genre:
            return features
        generator.set_state(state)
        return torch.lerp(features, self._decoded(place.latent, place.other, generator), place.share)

    def _decoded(self, z: Tensor, genre: str, generator: torch.Generator) -> Tensor:
        """A latent [latent_dim] -> features [1, bins, frames]."""
        return self._pipeline.decoded(z[None], self._label(genre), generator=generator, **self._asked)

    def _vocoded(self, spectrogram: Tensor, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """What the transform's inverse gives, [1, bins, frames] -> a finite waveform [samples], or another item."""
        parts = self._pipeline
        wave = parts.vocode(spectrogram, length=shape[-1], generator=generator)
        if not torch.isfinite(wave).all():
            raise GenvaeError(
                f"What came out is not a {parts.kind.name}: it has values that are not finite numbers. "
                "Lower the temperature, or the run's training has gone wrong."
            )
        return wave[0].float()

    def _label(self, genre: str) -> Tensor:
        """The genre's index, [1]."""
        require_genre(genre, self._genres)
        return torch.tensor([self._genres.index(genre)])


def require_genre(genre: str, genres: Sequence[str]) -> None:
    """Check that a run knows a genre.

    Raises:
        GenvaeError: naming those that it knows.
    """
    if genre not in genres:
        close = nearest(genre, genres)
        hint = f" {close}" if close.startswith("Did") else ""
        raise GenvaeError(f"There is no genre {genre!r} in this run.{hint} Known: {', '.join(genres)}.")
