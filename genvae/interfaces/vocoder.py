"""Vocoder: from a spectrogram to a waveform."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from genvae.spec import FeatureSpec


class Vocoder(nn.Module, ABC):
    """From a spectrogram to a waveform.

    Args:
        options: an instance of the plugin's options dataclass.
        spec: what the spectrogram means; raise SpecMismatch (`spec.require`) for one that the vocoder can't serve.
    """

    def __init__(self, options: Any, *, spec: FeatureSpec) -> None:
        super().__init__()
        self.spec = spec

    @abstractmethod
    def forward(
        self, spectrogram: Tensor, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Spectrogram [B, bins, frames] in the units of the spec -> waveform [B, length].

        `length` is by default `spec.samples(frames)`; without a generator nothing is drawn at random.
        """
