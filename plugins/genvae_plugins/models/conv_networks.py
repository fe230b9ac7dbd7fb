"""The networks of `conv-vae` and its relatives: they convolve over time, and frequencies are their channels."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from genvae_plugins.models import ConvOptions

GENRE_DIM = 32
CONDITION_DIM = 256
GROUPS = 8
DOWNSAMPLINGS = 2  # after the stem, which halves the time axis too
LOG_SCALE_RANGE = (-5.0, 2.0)  # of the likelihood, in units of the features; keeps silence from growing infinite


class ResidualBlock(nn.Module):
    """Two convolutions over time, pre-activated, the second one scaled and shifted by a condition (FiLM).

    He et al., Identity Mappings in Deep Residual Networks, 2016; Perez et al., FiLM, 2018. It starts as the identity.
    """

    def __init__(self, width: int, condition_dim: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, width)
        self.conv1 = nn.Conv1d(width, width, 3, padding=1)
        self.norm2 = nn.GroupNorm(GROUPS, width)
        self.conv2 = nn.Conv1d(width, width, 3, padding=1)
        self.film = nn.Linear(condition_dim, 2 * width)
        for layer in (self.conv2, self.film):
            nn.init.zeros_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """[B, width, time] and [B, condition_dim] -> [B, width, time]."""
        scale, shift = self.film(condition).unsqueeze(-1).chunk(2, dim=1)  # [B, width, 1] each
        hidden = self.conv1(F.silu(self.norm1(x)))
        hidden = self.norm2(hidden) * (1 + scale) + shift
        out: Tensor = x + self.conv2(F.silu(hidden))
        return out


def lengths(frames: int) -> list[int]:
    """Lengths of the time axis, from the frames of a clip down to the places of its latents."""
    halved = [frames]
    for _ in range(DOWNSAMPLINGS + 1):
        halved.append(-(-halved[-1] // 2))
    return halved


class Encoder(nn.Module):
    """From features and what is known of the genre to a short sequence.

    Each layer sees the whole spectrum: music's pitches stand at fixed bins, so nothing is gained by sharing weights
    along frequency, and on a processor the large matrix products of this layout are fast.
    """

    def __init__(self, options: ConvOptions, *, bins: int, frames: int) -> None:
        super().__init__()
        width = options.width
        self.frames = frames
        self.stem = nn.Conv1d(bins, width, 4, stride=2, padding=1)
        self.down = nn.ModuleList(nn.Conv1d(width, width, 4, stride=2, padding=1) for _ in range(DOWNSAMPLINGS))
        self.levels = nn.ModuleList(_blocks(options.blocks, width, GENRE_DIM) for _ in range(DOWNSAMPLINGS + 1))
        self.narrow = nn.Conv1d(width, options.neck, 1)

    def forward(self, features: Tensor, genre: Tensor) -> Tensor:
        """Features [B, bins, frames] and genres [B, GENRE_DIM] -> [B, neck, places]."""
        hidden = self.stem(F.pad(features, (0, self.frames % 2)))  # [B, width, frames / 2]
        for level, blocks in enumerate(self.levels):
            if level:
                hidden = self.down[level - 1](F.pad(hidden, (0, hidden.shape[-1] % 2)))
            for block in blocks:  # type: ignore[attr-defined]  # a ModuleList is iterable
                hidden = block(hidden, genre)
        out: Tensor = self.narrow(hidden)
        return out


class Decoder(nn.Module):
    """From a short sequence and a condition to a Gaussian for each bin and frame of the features.

    Its scale is predicted too: where a sound is noise its log-magnitudes can't be, and a fixed scale would make the
    model spend its capacity there.
    """

    def __init__(self, options: ConvOptions, *, bins: int, frames: int) -> None:
        super().__init__()
        width = options.width
        self.lengths = lengths(frames)
        self.widen = nn.Conv1d(options.neck, width, 1)
        self.levels = nn.ModuleList(_blocks(options.blocks, width, CONDITION_DIM) for _ in range(DOWNSAMPLINGS + 1))
        self.up = nn.ModuleList(nn.Conv1d(width, width, 3, padding=1) for _ in range(DOWNSAMPLINGS))
        self.norm = nn.GroupNorm(GROUPS, width)
        self.head = nn.ConvTranspose1d(width, 2 * bins, 4, stride=2, padding=1)

    def forward(self, start: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """[B, neck, places] and [B, CONDITION_DIM] -> mean and log standard deviation, [B, bins, frames] each."""
        hidden = self.widen(start)  # [B, width, places]
        for level, blocks in enumerate(self.levels):
            if level:
                longer = F.interpolate(hidden, size=self.lengths[-1 - level], mode="nearest")
                hidden = self.up[level - 1](longer)
            for block in blocks:  # type: ignore[attr-defined]  # a ModuleList is iterable
                hidden = block(hidden, condition)
        out = self.head(F.silu(self.norm(hidden))).float()[..., : self.lengths[0]]  # [B, 2 * bins, frames]
        mean, log_scale = out.chunk(2, dim=1)
        return mean, log_scale.clamp(*LOG_SCALE_RANGE)


def _blocks(count: int, width: int, condition_dim: int) -> nn.ModuleList:
    return nn.ModuleList(ResidualBlock(width, condition_dim) for _ in range(count))
