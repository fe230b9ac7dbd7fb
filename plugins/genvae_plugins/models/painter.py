"""The painter: fine structure that no likelihood teaches, learnt against a jury."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae_plugins.models.detail import LOG_SCALE_RANGE, Detail
from genvae_plugins.models.patches import Patches

CHANCE = 16  # channels of noise that the painter may draw from


class Residual(nn.Module):
    """Two convolutions over time, added to what they are given; at first they add nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, width, 3, padding=1)
        self.second = nn.Conv1d(width, width, 3, padding=1)
        for parameter in self.second.parameters():
            nn.init.zeros_(parameter)

    def forward(self, hidden: Tensor) -> Tensor:
        """[B, width, frames] -> [B, width, frames]."""
        added: Tensor = self.second(F.gelu(self.first(F.gelu(hidden))))
        return hidden + added


class Painter(nn.Module):
    """Moves the mean and the noise of `Detail`, frame by frame, to where a discriminator takes them for real.

    A likelihood is content with the mean of all that a code may stand for, and a mean of attacks that come a little
    earlier or later is no attack. The painter is also given noise, from which it can choose one of them. At first
    it leaves all as it is.

    Args:
        width: channels of every layer.
        blocks: residual ones.
    """

    def __init__(self, patches: Patches, *, width: int, blocks: int) -> None:
        super().__init__()
        self.patch, self.bins, self.frames, self.width = patches.size, patches.bins, patches.frames, width
        self.enter = nn.Conv1d(patches.components, width * patches.size, 3, padding=1)
        self.chance = nn.Conv1d(CHANCE, width, 1, bias=False)
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.leave = nn.Conv1d(width, 2 * patches.bins, 1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(self, codes: Tensor, detail: Detail, patches: Patches, generator: torch.Generator) -> Tensor:
        """Codes [B, length, components] -> features [B, bins, frames], drawn."""
        with torch.no_grad():  # it learns by its likelihood alone
            mean, _, log_noise = detail(codes, patches)
        noise = detail.texture.noise(mean.shape, generator)
        hidden = self.enter(codes.mT).unflatten(1, (self.patch, self.width))  # [B, patch, width, length]
        hidden = hidden.permute(0, 2, 3, 1).flatten(2)[..., : self.frames]  # [B, width, frames]
        shape = (len(codes), CHANCE, self.frames)
        chance = torch.randn(shape, generator=generator, device=codes.device, dtype=codes.dtype)
        hidden = self.blocks(hidden + self.chance(chance))
        moved, louder = self.leave(F.gelu(hidden)).float().chunk(2, dim=1)
        scale = detail.texture.amount * (log_noise + louder).clamp(*LOG_SCALE_RANGE).exp()
        painted: Tensor = mean + moved + scale * noise
        return painted
