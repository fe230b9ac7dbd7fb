"""Vocoder: from a spectrogram to a waveform."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from genvae.spec import FeatureSpec


class Vocoder(nn.Module, ABC):
    """From a spectrogram to a waveform.

    Args:
        options: an instance of the plugin's options dataclass.
        spec: what the spectrogram means; raise SpecMismatch (`spec.require`) for one that the vocoder can't serve.

    Attributes:
        takes_initial_phase: whether `forward` also takes `initial_phase: Tensor | None = None`, phases to start from in
            radians, [B, bins, frames], counted from each frame's first sample. Only for spectrograms of magnitudes.
    """

    takes_initial_phase: ClassVar[bool] = False

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
