"""Schedule: how the learning rate changes over a training."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any


class Schedule(ABC):
    """How the learning rate changes over a training; the warm-up is not its concern.

    Args:
        options: an instance of the plugin's options dataclass.
    """

    def __init__(self, options: Any) -> None:
        self.options = options

    @abstractmethod
    def scale(self, progress: float) -> float:
        """The factor of the learning rate, 0 or more, where `progress` 0..1 of the budget is spent."""
