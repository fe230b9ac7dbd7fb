"""The one place where features are brought to about unit scale, with statistics that are learnt once."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from genvae import Transform


class ScaledTransform(Transform):
    """What `measure` gives, scaled affinely: its scaling is that of the training split, and `fit` learns it.

    The statistics are those of the whole split, never of a clip, so that nothing about a clip must be remembered to
    get its level back. `standard` takes the mean of each bin away and divides all by one standard deviation; `unit`
    brings the whole to 0..1, as Velardo, Generating Sound with Neural Networks (2021), but for the range, which there
    is that of each clip.

    Args:
        options: with `scaling`.
        low: the least value of each bin, [bins]. It and `span` scale `unit` until `fit` is called; `standard` then
            leaves values as they are.
        span: from there to the greatest, [bins].
    """

    offset: Tensor
    spread: Tensor

    def __init__(self, options: Any, *, sample_rate: int, low: Tensor, span: float) -> None:
        super().__init__(options, sample_rate=sample_rate)
        self.unit = options.scaling == "unit"
        self.register_buffer("offset", low.float()[:, None] if self.unit else torch.zeros(len(low), 1))
        self.register_buffer("spread", torch.tensor(span if self.unit else 1.0))

    @abstractmethod
    def measure(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] in the dtype of `offset` -> values [B, bins, frames], not scaled yet."""

    def fit(self, waves: Iterable[Tensor]) -> None:
        """Learn the scaling from batches of training waveforms [B, samples], one batch in memory at a time.

        Raises:
            ValueError: there is no batch, or a sample is not finite.
        """
        count = 0
        total = torch.zeros(len(self.offset), dtype=torch.float64)
        total_square = torch.zeros(len(self.offset), dtype=torch.float64)
        low, high = math.inf, -math.inf
        for wave in waves:
            with torch.no_grad():
                values = self.measure(wave.to(self.offset))
                # Moments of each clip on the device; from there on float64 on the CPU, as some devices have none.
                variance, mean = (m.cpu().double() for m in torch.var_mean(values, dim=2, correction=0))  # [B, bins]
            count += len(values) * values.shape[2]
            total += values.shape[2] * mean.sum(0)
            total_square += values.shape[2] * (variance + mean.square()).sum(0)
            low, high = min(low, float(values.min())), max(high, float(values.max()))
        if not count:
            raise ValueError("There are no waveforms to learn the statistics of the spectrogram from.")
        if not bool(total_square.isfinite().all()):
            raise ValueError("A training waveform holds samples that are not finite.")
        if self.unit:
            self.offset.fill_(low)
            spread = high - low
        else:
            means = total / count
            self.offset.copy_(means[:, None])
            spread = float((total_square / count - means.square()).mean().clamp_min(0).sqrt())
        self.spread.fill_(spread if spread > 1e-6 else 1.0)  # nothing but silence has no spread to divide by

    def forward(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> features [B, bins, frames], scaled."""
        return self.scale(self.measure(wave.to(self.offset.dtype)))

    def scale(self, values: Tensor) -> Tensor:
        """Measured values [B, bins, frames] -> features of about unit scale."""
        return (values - self.offset) / self.spread

    def unscale(self, features: Tensor) -> Tensor:
        """Features [B, bins, frames] -> the values that were measured."""
        return features.to(self.offset.dtype) * self.spread + self.offset
