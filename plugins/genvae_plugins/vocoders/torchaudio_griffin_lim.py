"""The `torchaudio-griffin-lim` vocoder: torchaudio's own fast Griffin-Lim, to compare with."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional
from torchaudio.functional import griffinlim

from genvae import FeatureSpec, Vocoder, windows
from genvae_plugins.vocoders import TorchaudioGriffinLimOptions


class TorchaudioGriffinLim(Vocoder):
    """`torchaudio.functional.griffinlim` from random phases, as it is: it mirrors the signal at its ends, not zeros."""

    window: Tensor

    def __init__(self, options: TorchaudioGriffinLimOptions, *, spec: FeatureSpec) -> None:
        super().__init__(options, spec=spec)
        bins = spec.n_fft // 2 + 1
        spec.require("torchaudio-griffin-lim", kind="magnitude", scale="log", window=windows.NAMES, bins=bins)
        self.options = options
        self.register_buffer("window", windows.of(spec), persistent=False)

    @torch.no_grad()
    def forward(
        self, spectrogram: Tensor, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Natural-log magnitudes [B, bins, frames] -> waveform [B, length].

        Raises:
            ValueError: the frames make less than half a window of sound, which torchaudio can't mirror.
        """
        spec, frames = self.spec, spectrogram.shape[2]
        length = spec.samples(frames) if length is None else length
        held = length if spec.frames(length) == frames else spec.samples(frames)
        if held <= spec.n_fft // 2:
            raise ValueError(
                f"torchaudio-griffin-lim needs more than {spec.n_fft // 2} samples (half of n_fft), but {frames} "
                f"frames make {held}."
            )
        seed = 0 if generator is None else int(torch.randint(2**62, (), generator=generator, device=generator.device))
        # Each clip contiguous: how a sum is rounded may depend on how its numbers lie in memory.
        waves = [self._clip(clip.contiguous().to(self.window).exp(), held, seed) for clip in spectrogram]
        wave = torch.stack(waves) if waves else self.window.new_zeros(0, held)
        return functional.pad(wave[:, :length], (0, length - min(held, length)))

    def _clip(self, magnitude: Tensor, samples: int, seed: int) -> Tensor:
        """Magnitudes [bins, frames] -> waveform [samples]."""
        # It draws from the global generator alone, which is handed back as it was.
        with torch.random.fork_rng(devices=[magnitude.device] if magnitude.device.type == "cuda" else []):
            torch.manual_seed(seed)
            wave: Tensor = griffinlim(
                magnitude,
                window=self.window,
                n_fft=self.spec.n_fft,
                hop_length=self.spec.hop,
                win_length=self.spec.n_fft,
                power=1.0,
                n_iter=self.options.iterations,
                momentum=self.options.momentum,
                length=samples,
                rand_init=True,
            )
        return wave
