"""Features on a logarithmic scale: the logarithm of magnitudes above a floor, and its exact inverse."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from genvae_plugins.transforms.scaling import ScaledTransform

_LEAST = 1e-4  # magnitudes below this part of the floor are lost in the rounding of float32, and inverted to it


class LogTransform(ScaledTransform):
    """log(magnitude + floor), scaled.

    The floor of each bin stands `range_db` below the magnitude that a full-scale sine has there. Adding it, where
    clamping would cut, keeps the map smooth and one to one, so that `invert` is exact.

    Args:
        options: with `range_db` and `scaling`.
        full_scale: the magnitude of a full-scale sine in each bin, [bins].
    """

    floor: Tensor
    log_floor: Tensor

    def __init__(self, options: Any, *, sample_rate: int, full_scale: Tensor) -> None:
        span = options.range_db * math.log(10) / 20
        log_floor = full_scale.double().log() - span
        super().__init__(options, sample_rate=sample_rate, low=log_floor, span=span)
        self.register_buffer("log_floor", log_floor.float()[:, None], persistent=False)
        self.register_buffer("floor", log_floor.exp().float()[:, None], persistent=False)

    @abstractmethod
    def analyse(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> magnitudes [B, bins, frames]; differentiable, also at magnitude 0."""

    def measure(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> log(magnitude + floor), [B, bins, frames]."""
        return self.to_log(self.analyse(wave))

    def to_log(self, magnitude: Tensor) -> Tensor:
        """Magnitudes [B, bins, frames] -> log(magnitude + floor)."""
        return (magnitude + self.floor).log()

    def invert(self, features: Tensor) -> Tensor:
        """Features [B, bins, frames] -> natural logarithm of the magnitudes, finite for finite features."""
        above = (self.unscale(features) - self.log_floor).clamp_min(_LEAST)  # log(1 + magnitude / floor)
        return self.log_floor + above + (-torch.expm1(-above)).log()  # log(e^above - 1), which here can't overflow
