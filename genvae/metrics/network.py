"""The network of the embedder that genvae ships: log-mel spectrogram, four strided convolutions, pooling over time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genvae.metrics.spectrogram import BANDS, log_mel

HOP = 441  # samples: 20 ms
WIDTHS = (32, 48, 96, 128)
POINTS = 128


class EmbedderNetwork(nn.Module):
    """Waveforms to points; `points` is what comes after the spectrogram, so that training can keep the spectrograms."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((1, *WIDTHS[:-1]), WIDTHS, strict=True):
            kernel = 5 if before == 1 else 3
            layers.append(nn.Conv2d(before, after, kernel, stride=2, padding=kernel // 2, bias=False))
            layers.append(nn.BatchNorm2d(after))
            layers.append(nn.ReLU())
        self.convolutions = nn.Sequential(*layers)
        high = BANDS // 2 ** len(WIDTHS)
        self.mix = nn.Sequential(nn.Conv1d(WIDTHS[-1] * high, POINTS, 1, bias=False), nn.BatchNorm1d(POINTS), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(2 * POINTS, POINTS, bias=False), nn.BatchNorm1d(POINTS, affine=False))

    def forward(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] at the spectrogram's rate -> points [B, POINTS]."""
        return self.points(log_mel(wave, HOP))

    def points(self, spectrogram: Tensor) -> Tensor:
        """What `log_mel` gives -> points [B, POINTS]."""
        maps = self.convolutions(spectrogram[:, None])  # [B, channels, bands / 16, frames / 16]
        steps = self.mix(maps.flatten(1, 2))  # [B, POINTS, frames / 16]
        pooled = torch.cat([steps.mean(dim=2), steps.amax(dim=2)], dim=1)
        points: Tensor = self.head(pooled)
        return points
