"""The vocoder `rtisi`: a `Stream` over the frames of a spectrogram."""

from __future__ import annotations

import torch
from torch import Tensor

import genvae
from genvae import windows
from genvae_rtisi import RtisiOptions
from genvae_rtisi.stream import Stream


class Rtisi(genvae.Vocoder):
    """RTISI-LA for batches on any device; nothing is drawn."""

    window: Tensor

    def __init__(self, options: RtisiOptions, *, spec: genvae.FeatureSpec) -> None:
        super().__init__(options, spec=spec)
        spec.require("rtisi", kind="magnitude", scale="log", window=windows.NAMES, bins=spec.n_fft // 2 + 1)
        self.options = options
        self.register_buffer("window", windows.of(spec), persistent=False)

    @torch.no_grad()
    def forward(
        self, spectrogram: Tensor, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Natural-log magnitudes [B, bins, frames] -> waveform [B, length]; nothing is drawn."""
        length = self.spec.samples(spectrogram.shape[2]) if length is None else length
        before = self.spec.n_fft // 2  # frames are centred: the first one begins before the waveform
        stream = Stream(
            window=self.window,
            hop=self.spec.hop,
            look_ahead=self.options.look_ahead,
            iterations=self.options.iterations,
            silent=before,
        )
        magnitudes = spectrogram.to(self.window).exp()
        parts = [stream.push(frame) for frame in magnitudes.unbind(2)]
        wave = torch.cat([*parts, stream.finish()], dim=1)[:, before:]
        return torch.nn.functional.pad(wave, (0, length - wave.shape[1]))  # a negative pad cuts
