"""Phase reconstruction of plain tensor operations alone, so that it can become a part of an exported graph.

The transform and its inverse are convolutions with windowed cosines and sines; the rounds are those of fast Griffin-Lim
(Perraudin, Balazs & Søndergaard, A Fast Griffin-Lim Algorithm, 2013, section 3), and their number is fixed.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae import windows
from genvae.errors import GenvaeError
from genvae.spec import FeatureSpec

ROUNDS = 16
MOMENTUM = 0.99

_SMALLEST = 1e-8  # under a magnitude, whose phase it leaves undecided


class PhaseRounds(nn.Module):
    """Magnitudes and phases to begin with -> a waveform.

    Args:
        spec: of magnitudes, log or linear.
        samples: of the waveform.

    Raises:
        GenvaeError: the spec is not of magnitudes.
    """

    kernel: Tensor
    scale: Tensor
    overlap: Tensor

    def __init__(self, spec: FeatureSpec, samples: int, rounds: int = ROUNDS) -> None:
        super().__init__()
        if spec.kind != "magnitude":
            raise GenvaeError(f"Phases are found for magnitudes, and this run's vocoder takes {spec.kind!r} features.")
        self.spec, self.samples, self.rounds = spec, samples, rounds
        n_fft, bins = spec.n_fft, spec.bins
        window = windows.of(spec).double()
        turns = torch.arange(bins).double()[:, None] * torch.arange(n_fft) / n_fft
        angle = 2 * torch.pi * turns
        waves = torch.cat([window * angle.cos(), -window * angle.sin()])  # [2 bins, n_fft]
        twice = torch.full((bins,), 2.0, dtype=torch.float64)  # a bin stands for its mirror image too
        twice[0] = 1.0
        if n_fft % 2 == 0:
            twice[-1] = 1.0
        squares = window.square()[None, None].expand(1, spec.frames(samples), n_fft)
        summed = F.fold(
            squares.transpose(1, 2), (1, (spec.frames(samples) - 1) * spec.hop + n_fft), (1, n_fft), stride=spec.hop
        )
        self.register_buffer("kernel", waves[:, None].float())
        self.register_buffer("scale", (twice / n_fft).repeat(2)[:, None].float())
        self.register_buffer("overlap", self._within(summed[:, 0, 0]).clamp_min(1e-6).float())

    def forward(self, spectrogram: Tensor, turns: Tensor) -> Tensor:
        """Spectrogram [1, bins, frames] and phases of the start in turns, alike in shape -> waveform [1, samples]."""
        magnitude = spectrogram.exp() if self.spec.scale == "log" else spectrogram
        angle = 2 * torch.pi * turns
        real, imaginary = angle.cos(), angle.sin()
        before_real, before_imaginary = torch.zeros_like(real), torch.zeros_like(real)
        for _ in range(self.rounds):
            new_real, new_imaginary = self.analysed(self.sounding(magnitude * real, magnitude * imaginary))
            real = (1 + MOMENTUM) * new_real - MOMENTUM * before_real
            imaginary = (1 + MOMENTUM) * new_imaginary - MOMENTUM * before_imaginary
            length = (real.square() + imaginary.square()).sqrt() + _SMALLEST
            real, imaginary = real / length, imaginary / length
            before_real, before_imaginary = new_real, new_imaginary
        return self.sounding(magnitude * real, magnitude * imaginary)

    def analysed(self, wave: Tensor) -> tuple[Tensor, Tensor]:
        """A waveform [1, samples] -> real and imaginary parts of its transform, [1, bins, frames] each."""
        half = self.spec.n_fft // 2
        padded = F.pad(wave[:, None], (half, half))
        both = F.conv1d(padded, self.kernel, stride=self.spec.hop)  # [1, 2 bins, frames]
        return both[:, : self.spec.bins], both[:, self.spec.bins :]

    def sounding(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """The waveform [1, samples] whose transform is nearest to real and imaginary parts [1, bins, frames]."""
        both = torch.cat([real, imaginary], dim=1) * self.scale
        summed = F.conv_transpose1d(both, self.kernel, stride=self.spec.hop)
        return self._within(summed[:, 0]) / self.overlap

    def _within(self, wave: Tensor) -> Tensor:
        """Cut what lies outside of the waveform's ends, [1, more] -> [1, samples]."""
        half = self.spec.n_fft // 2
        inner = wave[:, half : half + self.samples]
        return F.pad(inner, (0, self.samples - inner.shape[1]))
