"""What is known of clips beyond their genre, as a vector that a network is steered by."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.attributes import Attribute, attribute_dim
from genvae_plugins.models.linear import Linear

HIDDEN = 64


class AttributeEmbedding(nn.Module):
    """A layer with a bend in between, so that twice as fast need not be twice as much; it begins as nothing."""

    def __init__(self, attributes: Sequence[Attribute], width: int) -> None:
        super().__init__()
        self.enter = Linear(attribute_dim(attributes), HIDDEN)
        self.leave = Linear(HIDDEN, width)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, attributes: Tensor | None, count: int) -> Tensor:
        """What is known [B, attribute_dim], None for nothing of `count` clips -> [B, width]."""
        if attributes is None:
            attributes = torch.zeros(count, self.enter.in_features, device=self.enter.weight.device)
        out: Tensor = self.leave(F.silu(self.enter(attributes)))
        return out


def with_attributes(genre: Tensor, embedding: AttributeEmbedding | None, attributes: Tensor | None) -> Tensor:
    """What is known of the genre [B, width], and of attributes where the run knows any."""
    return genre if embedding is None else genre + embedding(attributes, len(genre))
