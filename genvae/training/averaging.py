"""The average of a model's weights over a training's last steps, which is quieter than the weights themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """An exponential moving average of a model's parameters; its buffers are never averaged.

    In the first steps it forgets more quickly than it is told to, so that it is not an average with the first weights:
    Karras et al., Analyzing and Improving the Training Dynamics of Diffusion Models, 2024, section 3, has the reasons.

    Args:
        decay: of each step, 0 <= decay < 1. With 0 the average is the model itself.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.parameters = dict(model.named_parameters())
        self.decay = decay
        self.held = {name: p.detach().clone() for name, p in self.parameters.items()} if decay else {}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 1."""
        if self.held:
            decay = min(self.decay, step / (step + 10))
            torch._foreach_lerp_(list(self.held.values()), list(self.parameters.values()), 1.0 - decay)

    def state(self) -> dict[str, Tensor]:
        """What `load` takes."""
        return dict(self.held)

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        for name, tensor in self.held.items():
            tensor.copy_(state[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within, the model's weights are the average."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    @torch.no_grad()
    def _exchange(self) -> None:
        for name, tensor in self.held.items():
            own = self.parameters[name]
            backup = own.detach().clone()
            own.copy_(tensor)
            tensor.copy_(backup)
