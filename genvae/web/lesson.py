"""What the lesson shows of a run: what its encoder says of a sound, the decoder stage by stage, prior, genres."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from genvae.audio.limiter import limited
from genvae.errors import GenvaeError
from genvae.interfaces.model import Posterior
from genvae.latents import LatentMap
from genvae.pipeline import Pipeline
from genvae.plugin.registry import Registry
from genvae.run import Run
from genvae.synthesis.latent_path import PathPoint
from genvae.synthesis.renderer import Renderer
from genvae.synthesis.sound import Sound
from genvae.synthesis.synthesizer import Synthesizer, item_generator
from genvae.threads import one_thread

MEAN, MADE = "mean", "made"
"""The decoder's mean, which draws nothing; and the sound as `genvae generate` makes it."""

_GUIDANCE = (0.0, 1.0, 2.0, 4.0)  # to be heard beside each other
_POINTS = 200  # of a genre on the lesson's maps, and draws from each prior
_NEIGHBOURS = 10  # of a training sound, whose genres are counted
_KNOWN = 1000  # training sounds of a genre among which neighbours are looked for


class Heard(NamedTuple):
    """A sound of a seed, seen by the encoder.

    Attributes:
        z: the latent that it was made from, [latent_dim].
        posterior: what the encoder says of the sound, a batch of one.
    """

    z: Tensor
    posterior: Posterior


@dataclass(frozen=True)
class Priors:
    """Where latents lie in the plane of the two strongest principal directions, and how far from training sounds.

    Attributes:
        training: of training sounds, [n, 2].
        fitted: drawn from the run's prior, [n, 2].
        normal: drawn from the standard normal, [n, 2].
        distances: the median distance to the nearest (other) training sound, in the whole space, for each of the three.
    """

    training: Tensor
    fitted: Tensor
    normal: Tensor
    distances: tuple[float, float, float]


class Lesson:
    """Looks into a run. Its methods compute, and are called one at a time.

    Args:
        run: a run whose training has ended.
        registry: where its plugins come from.
        synthesizer: of the run.
        latent_map: of the run, or None.
    """

    def __init__(self, run: Run, registry: Registry, synthesizer: Synthesizer, latent_map: LatentMap | None) -> None:
        self._run, self._registry, self._synthesizer, self._map = run, registry, synthesizer, latent_map
        self._pipeline = synthesizer.pipeline
        self._guided = lru_cache(len(_GUIDANCE))(self._with_guidance)  # a copy of the nets each

    @property
    def genres(self) -> tuple[str, ...]:
        """The run's genres."""
        return self._synthesizer.genres

    @property
    def guidance(self) -> tuple[float, ...]:
        """How strongly a sound can follow its latent, the run's own among them; none where the model knows none."""
        own = self._pipeline.config.model.options.get("guidance")
        return () if own is None else tuple(sorted({*_GUIDANCE, float(own)}))

    @cached_property
    @one_thread()
    @torch.no_grad()
    def stages(self) -> tuple[str, ...]:
        """What a sound can be heard as, from the least to the most of it."""
        silence = torch.zeros(1, self._synthesizer.clip_samples)
        features, label = self._pipeline.transform(silence), torch.zeros(1, dtype=torch.int64)
        with self._pipeline.using("model", "telling its stages"):
            own = self._pipeline.model.stages(features, label, generator=torch.Generator())
        return MEAN, *own, MADE

    def sound(self, genre: str, seed: int) -> Sound:
        """The sound that `genvae generate` makes of a seed."""
        return self._synthesizer.generate(genre, seed=seed)

    @one_thread()
    @torch.no_grad()
    def heard(self, genre: str, seed: int) -> Heard:
        """A sound of a seed, and what the encoder says of it.

        Raises:
            GenvaeError: the run has no such genre.
        """
        z = self._synthesizer.latent(genre, seed=seed)
        wave = self._synthesizer.generate(genre, seed=seed).wave
        features = self._pipeline.transform(wave[None])
        with self._pipeline.using("model", "encoding"):
            return Heard(z, self._pipeline.model.encode(features, self._label(genre)))

    @one_thread()
    @torch.no_grad()
    def stage(self, genre: str, seed: int, name: str) -> Sound:
        """A sound of a seed as one stage of the decoder leaves it.

        The model's own stages are those that the sound as it is made goes through.

        Raises:
            GenvaeError: the run has no such genre, or its model no such stage.
        """
        if name not in self.stages:
            raise GenvaeError(f"There is no stage {name!r}. There are: {', '.join(self.stages)}.")
        if name == MADE:
            return self.sound(genre, seed)
        z = self._synthesizer.latent(genre, seed=seed)
        generator, label = item_generator(seed, genre, 0), self._label(genre)
        self._pipeline.prior.sample(label, generator=generator)  # so that what follows draws as the sound itself does
        model = self._pipeline.model
        with self._pipeline.using("model", f"decoding as far as {name}"):
            if name == MEAN:
                features = model.decode(z[None], label)
            else:
                drawn = model.decode(z[None], label, generator=generator)
                features = model.stages(drawn, label, generator=generator)[name]
        wave = self._pipeline.sound(features, length=self._synthesizer.clip_samples, generator=generator)[0].float()
        return self._sound(wave)

    @one_thread()
    @torch.no_grad()
    def guided(self, genre: str, seed: int, amount: float) -> Sound:
        """A sound of a seed that follows its latent by another guidance than the run's own.

        Raises:
            GenvaeError: the run has no such genre, or that is no guidance of `guidance`.
        """
        if amount not in self.guidance:
            known = ", ".join(f"{each:g}" for each in self.guidance)
            raise GenvaeError(f"The guidance can be {known}." if known else "This run's model knows no guidance.")
        z = self._synthesizer.latent(genre, seed=seed)
        generator = item_generator(seed, genre, 0)
        self._pipeline.prior.sample(self._label(genre), generator=generator)
        wave = Renderer(self._guided(amount)).place(PathPoint(z, genre, genre, 0.0), generator)
        return self._sound(wave)

    @one_thread()
    @torch.no_grad()
    def priors(self) -> Priors | None:
        """Where training sounds and draws from two priors lie; None for a run without a map."""
        if self._map is None:
            return None
        generator = torch.Generator().manual_seed(0)
        latents, count = self._map.latents, min(len(self._map.latents), _POINTS * len(self.genres))
        chosen = torch.randperm(len(latents), generator=generator)[:count]
        label = torch.arange(count) % len(self.genres)
        fitted = self._pipeline.prior.sample(label, generator=generator)
        normal = torch.randn(fitted.shape, generator=generator)
        parts = self._map.principal
        planar = [
            ((each.double() - parts.mean) @ parts.axes[:2].T).float() for each in (latents[chosen], fitted, normal)
        ]
        apart = [
            float(_nearest(each[:_POINTS], latents, 2)[0][:, rank].median())
            for each, rank in ((latents[chosen], 1), (fitted, 0), (normal, 0))
        ]
        return Priors(planar[0], planar[1], planar[2], (apart[0], apart[1], apart[2]))

    def plane(self) -> tuple[Tensor, Tensor] | None:
        """Training sounds on the first of the run's maps, as many of each genre: points [n, 2] and genres [n]."""
        if self._map is None:
            return None
        chosen = self._evenly(_POINTS)
        return self._map.points[chosen], self._map.genre[chosen]

    def overlap(self) -> Mapping[str, Mapping[str, float]] | None:
        """Of the ten training sounds nearest to one of each genre, the shares that are of each genre.

        In the whole space, not on the plane; as many of each genre are looked among. None for a run without a map.
        """
        if self._map is None:
            return None
        numbers = self._evenly(_KNOWN)
        latents, genre = self._map.latents[numbers], self._map.genre[numbers]
        table = {}
        for index, name in enumerate(self.genres):
            queries = latents[genre == index][:_POINTS]
            if not len(queries):
                continue
            near = _nearest(queries, latents, _NEIGHBOURS + 1)[1][:, 1:]
            table[name] = {other: float((genre[near] == i).float().mean()) for i, other in enumerate(self.genres)}
        return table

    def _evenly(self, most: int) -> Tensor:
        """The places of at most so many training sounds of each genre, as many of each that has any."""
        assert self._map is not None
        generator = torch.Generator().manual_seed(0)
        own = [torch.nonzero(self._map.genre == i)[:, 0] for i in range(len(self.genres))]
        count = min([most, *(len(each) for each in own if len(each))])
        return torch.cat([each[torch.randperm(len(each), generator=generator)[:count]] for each in own])

    def _with_guidance(self, amount: float) -> Pipeline:
        config = self._pipeline.config
        model = replace(config.model, options={**config.model.options, "guidance": amount})
        return self._run.load(self._registry, config=replace(config, model=model))

    def _sound(self, wave: Tensor) -> Sound:
        rate = self._synthesizer.sample_rate
        return Sound(limited(wave, rate), rate)

    def _label(self, genre: str) -> Tensor:
        return torch.tensor([self.genres.index(genre)])


def _nearest(queries: Tensor, references: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Distances and indices [n, k] of the nearest of known latents [N, latent_dim] to some [n, latent_dim]."""
    distances, indices = torch.cdist(queries, references).topk(min(k, len(references)), largest=False)
    return distances, indices
