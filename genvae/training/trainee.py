"""What of a pipeline is trained: its model, or its vocoder; all in which the loop treats the two differently."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from genvae.clips.store import ClipStore
from genvae.interfaces.model import Model
from genvae.interfaces.vocoder import Vocoder
from genvae.pipeline import Pipeline
from genvae.plugin.declarations import SOUNDS
from genvae.plugin.registry import Registry
from genvae.returned import require_tensor
from genvae.run import Run
from genvae.training.data import Batch, Batches
from genvae.training.finish import finish_model, finish_vocoder
from genvae.training.inherit import inherit, take_over
from genvae.training.interrupt import Wish
from genvae.training.log import TrainingLog
from genvae.training.measuring import measure_for_model, measure_for_vocoder
from genvae.training.monitor import COLLAPSED, validate_model, validate_vocoder
from genvae.training.plan import Budget
from genvae.training.wording import expectation

Heed = Callable[[], None]
"""Raises if the user wants to stop."""


class Trainee(ABC):
    """The part of a pipeline that is trained.

    Args:
        pipeline: all parts.

    Attributes:
        section: of the pipeline.
        verb: of `genvae`, that trains it.
        off: how a validation's `distance_db` is said.
        no_step: what is said where no step is to be trained.
    """

    section: ClassVar[str]
    verb: ClassVar[str]
    off: ClassVar[str]
    no_step: ClassVar[str]

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    @property
    @abstractmethod
    def module(self) -> Model | Vocoder:
        """The part."""

    @abstractmethod
    def train(self) -> None:
        """Set it to training."""

    @abstractmethod
    def inputs(self, waves: Tensor, genres: Tensor, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
        """What its loss takes, for waves [B, samples] of genres [B]; without gradients.

        The batch goes into as many parts as there are seeds, and what is drawn for each follows from its own.
        """

    @abstractmethod
    def inherit(self, source: Run, registry: Registry) -> bool:
        """Take over what a trained run has; gives whether that holds all that is measured before the first step."""

    @abstractmethod
    def measure(self, batches: Batches, device: torch.device, log: TrainingLog, heed: Heed) -> None:
        """Find out what is to be known before the first step."""

    @abstractmethod
    def validate(self, batches: Iterable[Batch], *, seed: int) -> dict[str, float]:
        """Numbers of held-out clips, `loss` among them."""

    @abstractmethod
    def finish(self, run: Run, store: ClipStore, log: TrainingLog, wish: Wish, *, seed: int, batch_size: int) -> None:
        """Write what makes the run able to generate."""

    def expectation(self, store: ClipStore, budget: Budget, steps: int | None, batch: int) -> str | None:
        """What quality was measured for such a budget, if that was."""
        return None

    def warning(self, values: Mapping[str, float]) -> str | None:
        """What is wrong with a validation of a training that had time to learn something."""
        return None


class ModelTrainee(Trainee):
    """A model, with whose latents the prior is fitted at the end."""

    section, verb, off = "model", "train", "Reconstructions without texture are"
    no_step = "No step is trained: the weights stay as they are, and the prior is fitted to them."

    @property
    def module(self) -> Model:
        """The model."""
        return self.pipeline.model

    def train(self) -> None:
        """Set the model to training."""
        self.module.train()

    @torch.no_grad()
    def inputs(self, waves: Tensor, genres: Tensor, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Features [B, bins, frames], and the genres; nothing is drawn."""
        return self.pipeline.features(waves), genres

    def inherit(self, source: Run, registry: Registry) -> bool:
        """Take over the transform, the model, and the vocoder if that is the same."""
        inherit(self.pipeline, source, registry)
        return True

    def measure(self, batches: Batches, device: torch.device, log: TrainingLog, heed: Heed) -> None:
        """Fit the transform and the model to the training clips."""
        measure_for_model(self.pipeline, batches, device=device, log=log, heed=heed)

    def validate(self, batches: Iterable[Batch], *, seed: int) -> dict[str, float]:
        """Loss parts, how far reconstructions are off, active units."""
        return validate_model(self.pipeline, batches, seed=seed)

    def finish(self, run: Run, store: ClipStore, log: TrainingLog, wish: Wish, *, seed: int, batch_size: int) -> None:
        """Fit the prior, and write latents, weights and the map."""
        finish_model(run, self.pipeline, store, log, wish, seed=seed, batch_size=batch_size)

    def expectation(self, store: ClipStore, budget: Budget, steps: int | None, batch: int) -> str | None:
        """That of sounds was measured."""
        return expectation(budget, steps, batch) if store.items == SOUNDS else None

    def warning(self, values: Mapping[str, float]) -> str | None:
        """That the posterior collapses."""
        active, latent_dim = int(values["active_units"]), self.module.latent_dim
        if active >= max(1, round(COLLAPSED * latent_dim)):
            return None
        return (
            f"The posterior is collapsing: {active} of {latent_dim} latent dimensions carry "
            "anything. Lower the KL weight, or train for longer."
        )


class VocoderTrainee(Trainee):
    """A vocoder, on spectrograms of training clips or what the model makes of them; other parts stay as they are."""

    section, verb, off = "vocoder", "train_vocoder", "The spectrograms of its waveforms are"
    no_step = "No step is trained: the vocoder stays as it is."

    @property
    def module(self) -> Vocoder:
        """The vocoder."""
        return self.pipeline.vocoder

    def train(self) -> None:
        """Set the vocoder to training, and everything else to inference."""
        self.pipeline.eval()
        self.module.train()

    @torch.no_grad()
    def inputs(self, waves: Tensor, genres: Tensor, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Spectrograms [B, bins, frames] in the units of the vocoder's spec, and the waves."""
        features = self.pipeline.features(waves)
        if self.module.learns_from_model:
            parts = zip(*(each.tensor_split(len(seeds)) for each in (features, genres)), seeds, strict=True)
            features = torch.cat([self._brought(*part) for part in parts if len(part[0])])
        return self.pipeline.for_vocoder(self.pipeline.spectrogram(features)), waves

    def _brought(self, features: Tensor, genres: Tensor, seed: int) -> Tensor:
        """Features of clips after the model's last stage, or of latents from their posteriors where it has none."""
        generator, model = torch.Generator(features.device).manual_seed(seed), self.pipeline.model
        with self.pipeline.using("model", "bringing clips through its stages"):
            stages = list(model.stages(features, genres, generator=generator).values())
        if stages:
            return require_tensor(stages[-1], features.shape, model.stages, "features")
        latents = self.pipeline.posterior(features, genres).sample(generator)
        return self.pipeline.decoded(latents, genres, generator=generator)

    def inherit(self, source: Run, registry: Registry) -> bool:
        """Take over everything, the vocoder too if that is the same."""
        return take_over(self.pipeline, source, registry)

    def measure(self, batches: Batches, device: torch.device, log: TrainingLog, heed: Heed) -> None:
        """Fit the vocoder to the training clips."""
        measure_for_vocoder(self.pipeline, self.inputs, batches, device=device, log=log, heed=heed)

    def validate(self, batches: Iterable[Batch], *, seed: int) -> dict[str, float]:
        """Loss parts, and how far the spectrograms of its waveforms are off."""
        return validate_vocoder(self.pipeline, self.inputs, batches, seed=seed)

    def finish(self, run: Run, store: ClipStore, log: TrainingLog, wish: Wish, *, seed: int, batch_size: int) -> None:
        """Write the weights."""
        finish_vocoder(run, self.pipeline)


TRAINEES: Mapping[str, type[Trainee]] = {each.section: each for each in (ModelTrainee, VocoderTrainee)}
