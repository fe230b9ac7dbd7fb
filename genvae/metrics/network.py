"""The network of the embedder that genvae ships: two maps of a clip, four strided convolutions, pooling."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genvae.metrics.spectrogram import equally_loud_power, mel_filters

N_FFT, HOP = 2048, 256  # samples: 93 and 12 ms
BANDS = 96
WIDTHS = (24, 48, 96, 128)
POINTS = 2 * WIDTHS[-1]
_FLOOR = 1e-8  # of a clip's power, in a band
_BIN_FLOOR = 1e-11  # the same for a single bin, some hundred of which make the widest band
_MIDDLE, _SPREAD = -45.0, 20.0  # dB: bring levels to about unit scale


def maps_of(wave: Tensor) -> Tensor:
    """Waveforms [B, samples] at the spectrogram's rate -> two maps of each, [B, 2, BANDS, frames], of about unit scale.

    The first is the level of mel bands relative to the clip's. The second is how far the mean level of a band's bins
    lies below that: some 2.5 dB for noise, much for partials with clean valleys between them, which the first map
    does not resolve.
    """
    power = equally_loud_power(wave, N_FFT, HOP)
    filters = mel_filters(N_FFT, BANDS)
    weights = filters / filters.sum(dim=1, keepdim=True)
    level = 10 * torch.log10(torch.einsum("mf,bft->bmt", filters, power) + _FLOOR)
    mean_power = torch.einsum("mf,bft->bmt", weights, power) + _BIN_FLOOR
    mean_level = torch.einsum("mf,bft->bmt", weights, 10 * torch.log10(power + _BIN_FLOOR))
    contrast = 10 * torch.log10(mean_power) - mean_level
    return torch.stack([(level - _MIDDLE) / _SPREAD, contrast / 5 - 1], dim=1)


class EmbedderNetwork(nn.Module):
    """Waveforms to points; `convolutions` and `points` come after `maps_of`, so that training can keep the maps.

    The points are what the last convolution found, on the whole and at its strongest. What training puts on top tells
    kinds of spoilt clips apart so surely that beyond there, all that are spoilt look equally bad.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((2, *WIDTHS[:-1]), WIDTHS, strict=True):
            kernel = 5 if before == 2 else 3
            layers.append(nn.Conv2d(before, after, kernel, stride=2, padding=kernel // 2, bias=False))
            layers.append(nn.BatchNorm2d(after))
            layers.append(nn.ReLU())
        self.convolutions = nn.Sequential(*layers)

    def forward(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] at the spectrogram's rate -> points [B, POINTS]."""
        return self.points(self.convolutions(maps_of(wave)))

    def points(self, activations: Tensor) -> Tensor:
        """What the convolutions give, [B, channels, bands / 16, frames / 16] -> points [B, POINTS]."""
        return torch.cat([activations.mean(dim=(2, 3)), activations.amax(dim=(2, 3))], dim=1)
