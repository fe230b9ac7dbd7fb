"""Embedder: what turns clips into points, so that sets of them can be compared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Waves = NDArray[np.float32]
Points = NDArray[np.float64]


class Embedder(ABC):
    """Maps clips to points, so that clips which sound alike lie near each other.

    Args:
        options: an instance of the plugin's options dataclass.

    Attributes:
        name: its name, version and an eight-digit digest that changes with its weights, as `my-ear 1 (0123abcd)`.
        sample_rate: of the waveforms that `embed` takes, in Hz.
        has_units: whether each coordinate has a unit of its own, so that each must count in its own deviations.
    """

    name: str
    sample_rate: int
    has_units: bool = False

    def __init__(self, options: Any = None) -> None:
        self.options = options

    @abstractmethod
    def embed(self, waves: Waves) -> Points:
        """Waveforms [N, samples] in ±1 at `sample_rate` -> points [N, D]."""

    def embed_at(self, waves: Waves, sample_rate: int) -> Points:
        """Waveforms [N, samples] at any rate in Hz -> points [N, D]."""
        return self.embed(resampled(waves, sample_rate, self.sample_rate))


def resampled(waves: Waves, rate: int, new_rate: int) -> Waves:
    """Waveforms [N, samples] at one rate -> [N, samples * new_rate / rate] at another."""
    if rate == new_rate:
        return waves
    import soxr

    output: Waves = soxr.resample(np.ascontiguousarray(waves.T), rate, new_rate).T
    return np.ascontiguousarray(output)
