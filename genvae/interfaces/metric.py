"""Metric: a number for a set of clips, beside a set of real ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


class Metric(ABC):
    """A number that says something of clips, beside real ones of the same genre.

    Args:
        options: an instance of the plugin's options dataclass.

    Attributes:
        unit: of the number, "" for none.
        better: whether a lower or a higher number is better, or `alike` if it should be that of real clips.
    """

    unit: str = ""
    better: Literal["lower", "higher", "alike"] = "alike"

    def __init__(self, options: Any) -> None:
        self.options = options

    @abstractmethod
    def measure(self, clips: NDArray[np.float32], real: NDArray[np.float32], *, sample_rate: int) -> float:
        """Clips [N, samples] and real ones [M, samples] of other recordings, in ±1 -> a finite number."""
