"""The `waveform` transform: the samples themselves, for models that work on them."""

from __future__ import annotations

from torch import Tensor

from genvae import FeatureSpec, Transform
from genvae.plugin.declarations import NoOptions


class Waveform(Transform):
    """Features are the waveform, each sample a frame of one bin; the vocoder that goes with it is `identity`."""

    def __init__(self, options: NoOptions, *, sample_rate: int) -> None:
        super().__init__(options, sample_rate=sample_rate)
        self.spec = FeatureSpec(
            kind="waveform", bins=1, sample_rate=sample_rate, n_fft=1, hop=1, window="rectangular", scale="linear"
        )

    def forward(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> features [B, 1, samples]."""
        return wave.unsqueeze(1)

    def invert(self, features: Tensor) -> Tensor:
        """Features [B, 1, samples] -> the same."""
        return features
