"""Callback: what is told how a training goes, and may act on it; and the view of the training that it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

if TYPE_CHECKING:
    from genvae.pipeline import Pipeline


@dataclass
class Training:
    """A training as callbacks see it.

    Attributes:
        folder: of the run, in which a callback may write files of its own.
        pipeline: its parts, with the weights that are validated and kept.
        description: every option, the genres and plugin versions, as the run's `pipeline.json` has them.
        step: steps that are done.
        progress: the part of the budget that is spent, 0..1.
        seconds: that training has taken, over all sessions.
        seed: of the training, for what a callback draws.
        held_out: gives some waveforms [N, samples] of a genre, by its index, that the model is not trained on.
        say: tells the user a line.
        reason: why training is to end before its budget is spent; set by `stop`.
        section: of the pipeline, that is trained: `model` or `vocoder`.
    """

    folder: Path
    pipeline: Pipeline
    description: Mapping[str, Any]
    step: int
    progress: float
    seconds: float
    seed: int
    held_out: Callable[[int], Tensor]
    say: Callable[[str], None]
    reason: str | None = None
    section: str = "model"

    @property
    def trained(self) -> nn.Module:
        """The part that is trained, with the weights that are validated and kept."""
        part: nn.Module = getattr(self.pipeline, self.section)
        return part

    @property
    def genres(self) -> tuple[str, ...]:
        """The names of the genres, in the order of their indices."""
        return self.pipeline.config.genres

    @property
    def sample_rate(self) -> int:
        """Of waveforms, in Hz."""
        return self.pipeline.config.sample_rate

    def stop(self, reason: str) -> None:
        """End the training after this step, as if the budget were spent."""
        self.reason = reason


class Callback:
    """What is told how a training goes; every method may be left out, and none changes what is drawn.

    Only the first of several processes calls it. One that raises is left out from there on, with a warning.

    Args:
        options: an instance of the plugin's options dataclass.
    """

    def __init__(self, options: Any) -> None:
        self.options = options

    def on_start(self, training: Training) -> None:
        """Before the first step of a session; of one that is resumed, after `load`."""

    def on_step(self, training: Training, values: Mapping[str, float]) -> None:
        """After a step that is logged, the first one and every 25th: loss parts, clips a second, seconds."""

    def on_validation(self, training: Training, values: Mapping[str, float]) -> None:
        """After a validation: loss parts on held-out clips, `distance_db`, and of a model `active_units`."""

    def on_checkpoint(self, training: Training) -> None:
        """After a checkpoint was written."""

    def on_finish(self, training: Training) -> None:
        """After the last step, before the prior is fitted and the weights are written; not after an interruption."""

    def state(self) -> Mapping[str, Any]:
        """What `load` needs after a resumption: plain values and tensors, kept in the checkpoint."""
        return {}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave."""
