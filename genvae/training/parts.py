"""The parts of a batch: what one draws and the buffers that it finds are the same whichever process computes it.

So a batch in four parts gives the same step to one process that computes four, to two with two each, and to four.
"""

from __future__ import annotations

import hashlib

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn


class Parts:
    """Those parts of one batch that a process computes.

    A model may change buffers when it computes its loss, such as running statistics. Each part begins with the buffers
    as the step found them, and the step ends with the mean of what the parts made of them.

    Args:
        fabric: of this process.
        model: the buffers are its.
        generator: for everything that is drawn.
        seed: of the training.
        step: counted from 0.
        count: of the parts that this process computes.
    """

    def __init__(
        self, fabric: Fabric, model: nn.Module, generator: torch.Generator, *, seed: int, step: int, count: int
    ) -> None:
        self._fabric, self._generator, self._seed, self._step, self._count = fabric, generator, seed, step, count
        self._number = 0
        self._alone = count * fabric.world_size == 1
        self._buffers = [] if self._alone else list(model.buffers())
        self._before = [each.clone() for each in self._buffers]
        self._change = [torch.zeros_like(each) for each in self._buffers if each.is_floating_point()]

    def begin(self, number: int) -> None:
        """Make ready for a part, from 0."""
        if number > self._number:
            self._note()
            self.undo()
            self._number = number
        drawn = part_seed(self._seed, self._step, self._fabric.global_rank * self._count + number)
        torch.manual_seed(drawn)  # for layers that draw from the global generator, such as dropout
        self._generator.manual_seed(drawn)

    @torch.no_grad()
    def end(self) -> None:
        """Give the buffers what the parts of all processes made of them."""
        if self._alone or not self._change:
            return
        self._note()
        flat = torch.cat([each.flatten().float() for each in self._change]) / (self._number + 1)
        mean = self._fabric.all_reduce(flat, reduce_op="mean")
        assert isinstance(mean, Tensor)  # as what was given to it
        pieces = iter(torch.split(mean, [each.numel() for each in self._change]))
        for buffer, before in zip(self._buffers, self._before, strict=True):
            if buffer.is_floating_point():
                buffer.copy_(before + next(pieces).view_as(before))

    @torch.no_grad()
    def undo(self) -> None:
        """Give the buffers what they held before the step."""
        for buffer, before in zip(self._buffers, self._before, strict=True):
            buffer.copy_(before)

    @torch.no_grad()
    def _note(self) -> None:
        """Add up what the part that ends has changed; what it has left alone stays so to the bit, infinities too."""
        changed = iter(self._change)
        for buffer, before in zip(self._buffers, self._before, strict=True):
            if buffer.is_floating_point():
                next(changed).add_(torch.where(buffer == before, 0, buffer - before))


def part_seed(seed: int, step: int, part: int) -> int:
    """The seed of what a part of a batch draws, 63 bits, as torch takes them."""
    digest = hashlib.blake2b(f"{seed} {step} {part}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
