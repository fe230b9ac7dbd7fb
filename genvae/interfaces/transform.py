"""Transform: a front end from waveforms to features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from genvae.spec import FeatureSpec


class Transform(nn.Module, ABC):
    """A front end from waveforms to features.

    Args:
        options: an instance of the plugin's options dataclass.
        sample_rate: of the waveforms, in Hz; 0 where it takes other items.

    Attributes:
        spec: what `invert` returns; the model's features are those, scaled.
        magnitude_spec: what `magnitudes` returns, where a front end can be brought to the magnitudes of an STFT but
            doesn't give them itself. A vocoder that refuses `spec` is offered it.
    """

    spec: FeatureSpec
    magnitude_spec: FeatureSpec | None = None

    def __init__(self, options: Any, *, sample_rate: int) -> None:
        super().__init__()

    def fit(self, waves: Iterable[Tensor]) -> None:  # optional on purpose
        """Learn statistics from batches of training waveforms [B, samples], kept in buffers. By default nothing."""

    @abstractmethod
    def forward(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> features [B, bins, frames] of about unit scale."""

    @abstractmethod
    def invert(self, features: Tensor) -> Tensor:
        """Features [B, bins, frames] -> the same shape in the units of `spec`."""

    def magnitudes(self, spectrogram: Tensor) -> Tensor:
        """What `invert` returns, [B, bins, frames] -> [B, magnitude_spec.bins, frames] in those units.

        Raises:
            NotImplementedError: there is no `magnitude_spec`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no way to magnitudes.")
