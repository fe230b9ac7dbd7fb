"""Loops: bars at a tempo, whose end goes on in their beginning."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from genvae.errors import GenvaeError

BEATS = 4  # in a bar
SEAM = 0.03  # seconds over which the end fades into the beginning, as the page's player does


@dataclass(frozen=True)
class Loop:
    """So many bars of four beats at a tempo.

    Attributes:
        bpm: beats a minute.
        bars: how many.
    """

    bpm: float
    bars: int

    def __post_init__(self) -> None:
        """Raise GenvaeError for a tempo or a number of bars that makes no sense."""
        if not (math.isfinite(self.bpm) and 20 <= self.bpm <= 400):
            raise GenvaeError(f"`bpm` takes from 20 to 400 beats a minute, not {self.bpm:g}.")
        if self.bars < 1:
            raise GenvaeError(f"`bars` takes 1 or more, not {self.bars}.")

    @property
    def seconds(self) -> float:
        """How long it lasts.

        >>> Loop(bpm=120, bars=2).seconds
        4.0
        """
        return self.bars * BEATS * 60 / self.bpm


def close(wave: Tensor, samples: int) -> Tensor:
    """Fade what follows a loop into its beginning, [samples + seam] -> [samples], so that it has no seam.

    The first sample is the one that follows the last, and the two are faded with equal power.
    """
    seam = len(wave) - samples
    angle = torch.pi / 2 * torch.arange(seam) / max(seam, 1)
    closed = wave[:samples].clone()
    closed[:seam] = torch.sin(angle) * wave[:seam] + torch.cos(angle) * wave[samples:]
    return closed
