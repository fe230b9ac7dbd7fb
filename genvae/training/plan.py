"""How a model is trained: the options of the loop, and the budget that says how long (no torch here)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from genvae.errors import OptionError


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of the training loop, in the section `train`.

    Attributes:
        batch_size: clips in a step, over all processes.
        schedule: of the learning rate over the budget, after the warm-up; `trapezoid` is constant but for the last
            fifth, in which it falls to zero.
        warmup_steps: in which the learning rate rises from zero.
        ema: how slowly the average of the weights forgets, which is what is validated and kept; 0 keeps the weights of
            the last step.
        precision: `auto` takes bfloat16 where the GPU has it, or where a training of some minutes is quicker with it;
            the run then names the one that was taken.
        shift: whether a clip may begin anywhere in its recording, rather than where the store cut it.
        validate_every: steps between validations.
        checkpoint_every: steps between checkpoints.
        validation_clips: at most so many in one validation.
    """

    batch_size: int = 64
    schedule: Literal["cosine", "trapezoid", "constant"] = "cosine"
    warmup_steps: int = 100
    ema: float = 0.0
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    shift: bool = True
    validate_every: int = 250
    checkpoint_every: int = 1000
    validation_clips: int = 512

    def __post_init__(self) -> None:
        """Raise ValueError for a count that makes no sense."""
        for name in ("batch_size", "validate_every", "checkpoint_every", "validation_clips"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.warmup_steps < 0:
            raise ValueError("warmup_steps must not be negative")
        if not 0.0 <= self.ema < 1.0:
            raise ValueError("ema must be at least 0 and below 1")

    def learning_rate_scale(self, step: int, progress: float) -> float:
        """Factor of the learning rate at a step (from 0), with `progress` 0..1 of the budget spent."""
        warmup = min(1.0, (step + 1) / (self.warmup_steps + 1))
        if self.schedule == "constant":
            return warmup
        if self.schedule == "trapezoid":
            return warmup * min(1.0, max(0.0, 5.0 * (1.0 - progress)))
        return warmup * 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))


@dataclass(frozen=True)
class Budget:
    """How long to train, over all sessions of a run: exactly one of the three.

    Attributes:
        steps: batches.
        epochs: passes over the training clips.
        minutes: of the clock.
    """

    steps: int | None = None
    epochs: float | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        """Raise OptionError unless exactly one is set, to something above zero."""
        given = [value for value in (self.steps, self.epochs, self.minutes) if value is not None]
        if len(given) != 1:
            raise OptionError("Give exactly one of `steps`, `epochs` and `minutes`.")
        if not (given[0] > 0 and math.isfinite(given[0])):
            raise OptionError(f"`steps`, `epochs` or `minutes` must be above zero, not {given[0]}.")

    def total_steps(self, steps_per_epoch: int) -> int | None:
        """The number of steps, or None when time decides."""
        if self.epochs is not None:
            return max(1, round(self.epochs * steps_per_epoch))
        return self.steps

    def progress(self, step: int, seconds: float, steps_per_epoch: int) -> float:
        """The part of the budget, 0..1 and more, that `step` steps in `seconds` have spent."""
        total = self.total_steps(steps_per_epoch)
        if total is not None:
            return step / total
        assert self.minutes is not None  # the third of exactly one
        return seconds / (60.0 * self.minutes)
