"""The `identity` vocoder: for models that make samples or pictures, so that nothing is left to reconstruct."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from genvae import FeatureSpec, Vocoder
from genvae.plugin.declarations import NoOptions


class Identity(Vocoder):
    """Takes features of kind `waveform` or `picture` as they are; differentiable."""

    def __init__(self, options: NoOptions, *, spec: FeatureSpec) -> None:
        super().__init__(options, spec=spec)
        spec.require("identity", kind=("waveform", "picture"), scale="linear")
        if spec.kind == "waveform":
            spec.require("identity", bins=1)

    def forward(
        self, spectrogram: Tensor, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Samples [B, 1, frames] -> waveform [B, length], cut or padded with silence at its end; a picture as it is."""
        if self.spec.kind == "picture":
            return spectrogram
        wave = spectrogram.squeeze(1)
        return wave if length is None else functional.pad(wave, (0, length - wave.shape[1]))
