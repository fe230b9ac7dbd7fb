"""One step of a training: how far the weights go, by which of its clips, with what draws, in which precision."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from genvae.interfaces.schedule import Schedule
from genvae.interfaces.training_step import TrainingStep
from genvae.pipeline import Pipeline
from genvae.plugin.guard import guarded
from genvae.training import processes
from genvae.training.augment import augment
from genvae.training.augmentations import parse
from genvae.training.contract import loss_parts, optimizers_of
from genvae.training.data import Batch
from genvae.training.extras import Extras
from genvae.training.job import Job
from genvae.training.parts import Parts, part_seed
from genvae.training.trainee import Trainee


class Stepper:
    """Takes the steps of a training.

    Args:
        fabric: of this process.
        job: what is trained, and how.
        pipeline: all parts.
        trainee: that of them which learns.
        extras: the schedule among them.

    Attributes:
        optimizers: of what is trained.
        torn: whether a step was left half done.
    """

    def __init__(self, fabric: Fabric, job: Job, pipeline: Pipeline, trainee: Trainee, extras: Extras) -> None:
        self.fabric, self.pipeline, self.trainee, self.extras = fabric, pipeline, trainee, extras
        self.options, self.seed = job.options, job.seed
        self.schedule: Schedule = job.registry.make("schedule", extras.schedule.name, extras.schedule.options)
        self.augmentations = parse(self.options.augment)
        self.bfloat16 = self.options.precision == "bf16-mixed"
        self.torn = False
        with pipeline.using(job.section, "making its optimisers"):
            optimizers = optimizers_of(trainee.module.optimizers(), trainee.module.optimizers)
        self.rates = [group["lr"] for optimizer in optimizers for group in optimizer.param_groups]
        self.module, *self.optimizers = fabric.setup(trainee.module, *optimizers)
        self.module.mark_forward_method("loss")

    def step(self, batch: Batch, *, number: int, progress: float) -> dict[str, Tensor]:
        """Update the weights once, with randomness that follows from the seed and the number of the step alone.

        Args:
            batch: its clips.
            number: steps before this one.
            progress: the part of the budget that is spent.

        Returns:
            the parts of the loss.
        """
        generator, count = torch.Generator(self.fabric.device), self.options.accumulate // self.fabric.world_size
        parts = Parts(self.fabric, self.trainee.module, generator, seed=self.seed, step=number, count=count)
        parts.begin(0)
        scale = self.options.warmup(number) * self._schedule(progress)
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        for group, rate in zip(groups, self.rates, strict=True):
            group["lr"] = rate * scale
        waves, genres, attributes = self.fabric.to_device(tuple(batch))
        if self.augmentations:
            waves = self._augmented(waves, genres, number, count)
        inputs = self.trainee.inputs(waves, genres, self._seeds(number, count))
        step = TrainingStep(
            self.optimizers,
            self.fabric.backward,
            self._loss,
            generator,
            number=number,
            progress=min(1.0, progress),
            waves=waves,
            accumulate=count,
            begin_part=parts.begin,
            attributes=attributes,
        )
        module = self.trainee.module
        try:
            with self.pipeline.using(self.trainee.section, "training"):
                losses = loss_parts(module.training_step(*inputs, step), module.training_step)
            parts.end()
        except BaseException:
            parts.undo()  # no optimiser has stepped yet, unless the part's step is one of its own
            self.torn = processes.has_own_step(type(module))
            raise
        return losses

    def _seeds(self, step: int, count: int) -> list[int]:
        """Seeds of what is drawn of a step's parts before its loss."""
        first = self.fabric.global_rank * count
        return [part_seed(self.seed, ~step, first + number) for number in range(count)]

    def _augmented(self, waves: Tensor, genres: Tensor, step: int, count: int) -> Tensor:
        """Waves [B, samples] in so many parts, each with draws of its own, so that no other of the step's changes."""
        augmented = []
        parts = zip(waves.tensor_split(count), genres.tensor_split(count), self._seeds(step, count), strict=True)
        for some, theirs, seed in parts:
            draws = torch.Generator(self.fabric.device).manual_seed(seed)
            augmented.append(augment(some, theirs, self.augmentations, generator=draws))
        return torch.cat(augmented)

    def _schedule(self, progress: float) -> float:
        part = self.extras.schedule
        with guarded(f"The schedule {part.plugin!r} of {part.distribution} failed", type(self.schedule).__module__):
            scale = float(self.schedule.scale(progress))
            if not 0.0 <= scale < math.inf:
                raise ValueError(f"scale({progress:.4g}) gives {scale}, expected a number of 0 or more")
        return scale

    def _loss(self, *inputs: Any, **options: Any) -> dict[str, Tensor]:
        """The loss, in the precision of the training; a part's own step may give it more arguments.

        Fabric's own precision would be no use here: on one device it leaves every method but `forward` as it is, and on
        several it rounds the features that the loss compares with.
        """
        with torch.autocast(self.fabric.device.type, torch.bfloat16, enabled=self.bfloat16):
            return loss_parts(self.module.loss(*inputs, **options), self.trainee.module.loss)
