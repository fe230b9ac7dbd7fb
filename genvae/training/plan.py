"""How a model is trained: the options of the loop, and the budget that says how long (no torch here)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

from genvae.errors import OptionError
from genvae.plugin.option import Option
from genvae.training.augmentations import AUGMENTATIONS, parse


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of the training loop, in the section `train`."""

    batch_size: Annotated[int, Option("clips in a step, over all processes", least=1, most=65536)] = 64
    accumulate: Annotated[
        int,
        Option(
            "parts into which a batch is split, which several processes share and one computes one after another, for "
            "what a GPU can't hold at once; each draws for itself",
            least=1,
            most=4096,
        ),
    ] = 1
    schedule: Annotated[str, Option("of the learning rate over the budget, after the warm-up: a plugin")] = (
        "genvae:cosine"
    )
    callbacks: Annotated[tuple[str, ...], Option("what is told how the training goes: plugins")] = (
        "genvae:tensorboard",
    )
    only: Annotated[
        tuple[str, ...],
        Option("the networks of what is trained that learn, by their names in it, while all others stay as they are"),
    ] = ()
    warmup_steps: Annotated[int, Option("in which the learning rate rises from zero", least=0)] = 100
    ema: Annotated[
        float,
        Option(
            "how slowly the average of the weights forgets, which is what is validated and kept; 0 "
            "keeps the weights of the last step",
            least=0,
            below=1,
        ),
    ] = 0.0
    precision: Annotated[
        Literal["auto", "32-true", "bf16-mixed"],
        Option(
            "`auto` takes bfloat16 where the GPU has it, or where a training of some minutes is quicker with it; "
            "the run then names the one that was taken",
        ),
    ] = "auto"
    shift: Annotated[
        bool,
        Option(
            "whether a clip may begin anywhere in its recording, rather than where the store cut it",
        ),
    ] = True
    augment: Annotated[
        tuple[str, ...],
        Option(
            "what is done to training waveforms, drawn anew in every step, such as gain:6,polarity: any of "
            + ", ".join(AUGMENTATIONS)
        ),
    ] = ()
    validate_every: Annotated[int, Option("steps between validations", least=1)] = 250
    checkpoint_every: Annotated[int, Option("steps between checkpoints", least=1)] = 1000
    validation_clips: Annotated[int, Option("at most so many in one validation", least=1)] = 512

    def __post_init__(self) -> None:
        """Raise ValueError for an augmentation that can't be."""
        try:
            parse(self.augment)
        except ValueError as error:
            raise ValueError(f"augment: {error}") from error

    def warmup(self, step: int) -> float:
        """Factor of the learning rate at a step, counted from 0, whatever the schedule says."""
        return min(1.0, (step + 1) / (self.warmup_steps + 1))


@dataclass(frozen=True)
class Budget:
    """How long to train, over all sessions of a run: exactly one of the three.

    Attributes:
        steps: batches; none for a run that begins with another's weights and keeps them, for a prior of its own.
        epochs: passes over the training clips.
        minutes: of the clock.
    """

    steps: int | None = None
    epochs: float | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        """Raise OptionError unless exactly one is set, to something above zero, or `steps` to zero."""
        limits = [value for value in (self.steps, self.epochs, self.minutes) if value is not None]
        if len(limits) != 1:
            raise OptionError("Give exactly one of `steps`, `epochs` and `minutes`.")
        if self.steps != 0 and not (limits[0] > 0 and math.isfinite(limits[0])):
            raise OptionError(f"`steps`, `epochs` or `minutes` must be above zero, not {limits[0]}.")

    def total_steps(self, steps_per_epoch: int) -> int | None:
        """The number of steps, or None when time decides."""
        if self.epochs is not None:
            return max(1, round(self.epochs * steps_per_epoch))
        return self.steps

    def progress(self, step: int, seconds: float, steps_per_epoch: int) -> float:
        """The part of the budget, 0..1 and more, that `step` steps in `seconds` have spent."""
        total = self.total_steps(steps_per_epoch)
        if total is not None:
            return step / total if total else 1.0
        assert self.minutes is not None  # the third of exactly one
        return seconds / (60.0 * self.minutes)
