"""Callbacks that watch a value of the validation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor

import genvae
from genvae.errors import nearest


class _Watching(genvae.Callback):
    """Knows the lowest value so far."""

    best = math.inf

    def on_validation(self, training: genvae.Training, values: Mapping[str, float]) -> None:
        """Look at the value.

        Raises:
            GenvaeError: the validation has no value of that name.
        """
        if self.options.of not in values:
            raise genvae.GenvaeError(
                f"{type(self).__name__} can't watch {self.options.of!r}: no validation has it. "
                f"{nearest(self.options.of, values)}"
            )
        self.look(training, values[self.options.of])

    def look(self, training: genvae.Training, value: float) -> None:
        """What is done with a value."""
        raise NotImplementedError


class EarlyStopping(_Watching):
    """Ends the training after some validations without a better one."""

    without = 0

    def look(self, training: genvae.Training, value: float) -> None:
        """Count."""
        if value < self.best - self.options.margin:
            self.best, self.without = value, 0
            return
        self.without += 1
        if self.without >= self.options.patience:
            training.stop(f"{self.options.of} was not better than {self.best:.4g} in {self.without} validations")

    def state(self) -> Mapping[str, Any]:
        """The lowest value and the count."""
        return {"best": self.best, "without": self.without}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on counting."""
        self.best, self.without = state["best"], state["without"]


class Best(_Watching):
    """Puts the weights of the best validation back when training has ended."""

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self.step = 0
        self.weights: dict[str, Tensor] = {}

    def look(self, training: genvae.Training, value: float) -> None:
        """Keep the weights if they are better."""
        if value < self.best:
            self.best, self.step = value, training.step
            state = training.trained.state_dict()
            self.weights = {name: tensor.detach().to("cpu", copy=True) for name, tensor in state.items()}

    def on_finish(self, training: genvae.Training) -> None:
        """Put them back."""
        if self.weights:
            training.trained.load_state_dict(self.weights)
            training.say(f"Keeping the weights of step {self.step}, whose {self.options.of} was {self.best:.4g}.")

    def state(self) -> Mapping[str, Any]:
        """The weights, and how good they are."""
        return {"best": self.best, "step": self.step, "weights": self.weights}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on with them."""
        self.best, self.step, self.weights = state["best"], state["step"], dict(state["weights"])
