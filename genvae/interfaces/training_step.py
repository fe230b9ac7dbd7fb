"""TrainingStep: what the training loop hands to the part that it trains, for one update of its weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


def _nothing(number: int) -> None:
    """Begin a part of a batch that is no part of another process' work."""


@dataclass(frozen=True)
class TrainingStep:
    """What the training loop hands to `Model.training_step` and to `Vocoder.training_step`.

    Attributes:
        optimizers: those of `optimizers()`, in their order.
        backward: call it in place of `loss.backward()`, so that the loop's precision and its other processes are
            served.
        loss: the part's `loss`, likewise; of its other methods, none may be used for training by several processes.
        generator: for everything that is drawn.
        number: steps before this one, over all sessions of the run; what is kept in a counter of one's own instead is
            lost when the run is resumed.
        progress: the part of the budget that is spent, 0..1.
        waves: the waveforms [B, samples] that the features were made of.
        accumulate: parts into which the batch is to be split, so that it takes less memory.
        begin_part: call it with a part's number, from 0, before it is computed: what the part draws, and the buffers
            that it finds, are then the same whichever process computes it. Only for a batch in several parts.
        attributes: what is known of the clips beyond their genre, [B, attribute_dim], for the `attributes` of `loss`;
            None where the model is told of none.
    """

    optimizers: Sequence[torch.optim.Optimizer]
    backward: Callable[[Tensor], None]
    loss: Callable[..., dict[str, Tensor]]
    generator: torch.Generator
    number: int = 0
    progress: float = 0.0
    waves: Tensor | None = None
    accumulate: int = 1
    begin_part: Callable[[int], None] = _nothing
    attributes: Tensor | None = None

    def minimise(self, module: nn.Module, *batch: Tensor, max_gradient_norm: float | None = None) -> dict[str, Tensor]:
        """Update a module's weights once, by the gradient of the loss of a batch.

        Args:
            module: whose loss it is.
            batch: what the loss takes, tensors [B, ...].
            max_gradient_norm: bound on the norm of the gradient, None for none.

        Returns:
            the parts of the loss, means over the batch.
        """
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        count = min(self.accumulate, len(batch[0]))
        parts: dict[str, Tensor] = {}
        told = [None] * count if self.attributes is None else self.attributes.tensor_split(count)
        for number, some in enumerate(zip(*(each.tensor_split(count) for each in batch), strict=True)):
            self.begin_part(number)
            share = len(some[0]) / len(batch[0])
            known = {} if told[number] is None else {"attributes": told[number]}
            own = self.loss(*some, generator=self.generator, **known)
            if not own["loss"].requires_grad:
                raise TypeError("its loss depends on no weight that learns: is it detached, or made under no_grad?")
            self.backward(own["loss"] * share)
            parts = {name: parts.get(name, 0) + share * value.detach() for name, value in own.items()}
        if max_gradient_norm is not None:
            nn.utils.clip_grad_norm_(module.parameters(), max_gradient_norm)
        for optimizer in self.optimizers:
            optimizer.step()
        return parts
