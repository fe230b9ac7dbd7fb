"""Makes the clips of each row: real ones, brought through more and more of a run, until nothing of them is left."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from genvae.audio.limiter import limited
from genvae.metrics.embedder import Waves
from genvae.metrics.threads import one_core, side_by_side
from genvae.pipeline import Pipeline
from genvae.synthesis.sound import Clip
from genvae.synthesis.synthesizer import GROUP, Synthesizer, item_generator

VOCODER, POSTERIOR = "front end and vocoder", "posterior"
_BATCH = 24


class Stages:
    """Brings real clips through more and more of a run.

    Args:
        pipeline: the run's.
        seed: of what is drawn on the way.
    """

    def __init__(self, pipeline: Pipeline, seed: int) -> None:
        self._pipeline, self._seed = pipeline, seed

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the stages, from the front end and the vocoder alone to a latent drawn from the posterior."""
        config = self._pipeline.config
        silence = torch.zeros(1, config.clip_samples)
        with torch.no_grad():
            features = self._pipeline.transform(silence)
            own = self._pipeline.model.stages(features, torch.zeros(1, dtype=torch.int64), generator=torch.Generator())
        return (VOCODER, *own, POSTERIOR)

    def through(self, name: str, waves: Waves, genre: str) -> Waves:
        """Clips [N, samples] through a stage, [N, samples]; on every core."""
        blocks = np.array_split(waves, max(1, len(waves) // _BATCH))
        with one_core():
            outputs = side_by_side(lambda number: self._block(name, blocks[number], genre, number), len(blocks))
        return np.concatenate(outputs)

    @torch.no_grad()
    def _block(self, name: str, waves: Waves, genre: str, number: int) -> Waves:
        parts = self._pipeline
        generator = item_generator(self._seed, f"{name} {genre}", number)
        label = torch.full((len(waves),), parts.config.genres.index(genre))
        features: Tensor = parts.transform(torch.from_numpy(waves))  # [B, bins, frames]
        with parts.using("model", f"bringing clips through {name}"):
            if name == POSTERIOR:
                latents = parts.model.encode(features, label).sample(generator)
                features = parts.model.decode(latents, label, generator=generator)
            elif name != VOCODER:
                features = parts.model.stages(features, label, generator=generator)[name]
        sound = parts.sound(features, length=waves.shape[1], generator=generator).float()
        output: Waves = limited(sound, parts.config.sample_rate).numpy()
        return output


def generated(synthesizer: Synthesizer, genre: str, count: int, seed: int, seconds: float | None = None) -> Waves:
    """New clips [count, samples] as `genvae generate` makes them at its defaults; on every core."""
    size = GROUP if seconds is None else 1
    groups = [range(first, min(first + size, count)) for first in range(0, count, size)]

    def make(number: int) -> list[Clip]:
        own = groups[number]
        return synthesizer.generate(genre, seed=seed, index=own[0], count=len(own), seconds=seconds)

    return np.stack([clip.wave.numpy() for clips in side_by_side(make, len(groups)) for clip in clips])


def rounded(sets: Mapping[str, Waves]) -> dict[str, Waves]:
    """Clips as a 16-bit file holds them, as real ones are in a store: what lies below must not tell them apart."""
    return {genre: (waves * 32767).round() / np.float32(32768) for genre, waves in sets.items()}
