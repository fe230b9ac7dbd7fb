"""A transformer over the patches of a clip, steered by a condition: the network inside `flow-vae`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae_plugins.models.linear import Linear

HEAD_DIM = 64


class Block(nn.Module):
    """Attention and a feed-forward layer, each shifted, scaled and gated by a condition.

    Peebles & Xie, Scalable Diffusion Models with Transformers, 2023, section 3.2 (adaLN-Zero); the modulation is one
    for all blocks, to which each adds a table of its own: Chen et al., PixArt-alpha, 2024, section 2.3.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = max(1, width // HEAD_DIM)
        self.qkv = Linear(width, 3 * width)
        self.merge = Linear(width, width)
        self.widen = Linear(width, 4 * width)
        self.narrow = Linear(4 * width, width)
        self.table = nn.Parameter(torch.zeros(6, width))

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """[B, length, width] and [B, 6, width] -> [B, length, width]."""
        shift, scale, gate, shift2, scale2, gate2 = (modulation + self.table).unsqueeze(2).unbind(1)  # [B, 1, width]
        q, k, v = self.qkv(_normed(x) * (1 + scale) + shift).unflatten(2, (3, self.heads, -1)).unbind(2)
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        with torch.autocast(x.device.type, enabled=False):  # a few dozen places: on a CPU, bfloat16 takes longer here
            attended = F.scaled_dot_product_attention(q.float(), k.float(), v.float())
        x = x + gate * self.merge(attended.transpose(1, 2).flatten(2))
        hidden = F.gelu(self.widen(_normed(x) * (1 + scale2) + shift2))
        out: Tensor = x + gate2 * self.narrow(hidden)
        return out


class Transformer(nn.Module):
    """From sequences of `inputs` numbers to sequences of `outputs` numbers, all alike at first but for the condition.

    Args:
        inputs: numbers at each place.
        outputs: numbers at each place.
        length: places.
        width: a multiple of 64, or below it.
        depth: blocks.
    """

    def __init__(self, *, inputs: int, outputs: int, length: int, width: int, depth: int) -> None:
        super().__init__()
        self.enter = Linear(inputs, width)
        self.place = nn.Parameter(0.02 * torch.randn(length, width))
        self.modulation = Linear(width, 6 * width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(depth))
        self.final = Linear(width, 2 * width)
        self.leave = Linear(width, outputs)
        for layer in (self.modulation, self.final, self.leave):  # so that each block begins as the identity
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.modulation.bias.view(6, width)[[2, 5]] = 0.1  # the gates

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """[B, length, inputs] and [B, width] -> [B, length, outputs]."""
        steered = F.silu(condition)
        modulation = self.modulation(steered).unflatten(1, (6, -1))
        x = self.enter(x) + self.place
        for block in self.blocks:
            x = block(x, modulation)
        shift, scale = self.final(steered).unsqueeze(1).chunk(2, dim=2)
        out: Tensor = self.leave(_normed(x) * (1 + scale) + shift)
        return out


def _normed(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:])
