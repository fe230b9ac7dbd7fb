"""The transform `pixels`: a picture as it is."""

from __future__ import annotations

from torch import Tensor

from genvae import FeatureSpec, Transform
from genvae.plugin.declarations import NoOptions
from genvae_designs.bottles import SIZE


class Pixels(Transform):
    """Features are the grey values: a row is a bin, a column a frame."""

    def __init__(self, options: NoOptions, *, sample_rate: int) -> None:
        super().__init__(options, sample_rate=sample_rate)
        self.spec = FeatureSpec(kind="picture", bins=SIZE, scale="linear")

    def forward(self, wave: Tensor) -> Tensor:
        """Pictures [B, 128, 128] -> the same."""
        return wave

    def invert(self, features: Tensor) -> Tensor:
        """Features [B, 128, 128] -> the same."""
        return features
