"""A linear layer whose result for an item does not depend on the items beside it, at the speed of a batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Linear(nn.Linear):
    """`nn.Linear` that, in evaluation without gradients on a CPU, multiplies item by item.

    A product's last bits depend on its shape, as libraries choose their kernels by it. Item by item, a clip of a batch
    is what it is alone, to the bit, and the weights are still read from memory once a layer rather than once a clip:
    they stay in the cache meanwhile. In evaluation the weights lie transposed, which suits products of few rows.
    """

    def forward(self, x: Tensor) -> Tensor:
        """[B, ..., in_features] -> [B, ..., out_features]."""
        if len(x) == 1 or self.training or torch.is_grad_enabled() or x.device.type != "cpu":
            return super().forward(x)
        return torch.cat([super(Linear, self).forward(each) for each in torch.split(x, 1)])

    def train(self, mode: bool = True) -> Linear:
        """Lay the weights for training, or for evaluation; their values and shape stay."""
        weight = self.weight.detach()
        self.weight.data = weight.contiguous() if mode else weight.t().contiguous().t()
        return super().train(mode)
