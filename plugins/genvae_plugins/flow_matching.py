"""Flow matching: the loss that teaches a network the way from noise to data, and the steps that walk it."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Velocity = Callable[[Tensor, Tensor], Tensor]
"""Points [B, ...] on the way and their times [B] in 0 (noise) to 1 (data) -> the velocity there, [B, ...]."""


def flow_matching_loss(velocity: Velocity, data: Tensor, *, generator: torch.Generator | None) -> Tensor:
    """Mean squared error of the velocity on straight ways from noise to data, for each item of the batch.

    Lipman et al., Flow Matching for Generative Modeling, 2023, section 4.1 (the optimal transport path, without its
    least noise). Times are drawn from a logit-normal distribution, most of them in the middle, where the way is
    decided: Esser et al., Scaling Rectified Flow Transformers, 2024, section 3.1. A batch's times lie evenly in its
    quantiles, which makes the loss less noisy: Kingma et al., Variational Diffusion Models, 2021, appendix I.1.

    Args:
        data: [B, ...], of about unit scale.

    Returns:
        [B].
    """
    noise = noise_for(data, generator)
    quantile = torch.rand(len(data), generator=generator, device=data.device, dtype=data.dtype)
    time = times((torch.arange(len(data), device=data.device) + quantile) / len(data))
    t = time.view(-1, *[1] * (data.dim() - 1))
    error = velocity(noise + t * (data - noise), time) - (data - noise)
    return error.square().flatten(1).mean(1)


def noise_for(data: Tensor, generator: torch.Generator | None) -> Tensor:
    """Where the ways to data [B, ...] begin, [B, ...]."""
    return torch.randn(data.shape, generator=generator, device=data.device, dtype=data.dtype)


def times(quantile: Tensor) -> Tensor:
    """Quantiles in 0 to 1, and the times in 0 to 1 that stand there."""
    time: Tensor = torch.special.ndtri(quantile.clamp(1e-6, 1 - 1e-6)).sigmoid()
    return time


def integrate_velocity(velocity: Velocity, noise: Tensor, steps: int) -> Tensor:
    """Integrate a learnt velocity from noise [B, ...] to data, by the midpoint rule: two evaluations a step."""
    x, width = noise, 1.0 / steps
    for step in range(steps):
        time = torch.full((len(x),), step * width, device=x.device, dtype=x.dtype)
        middle = x + 0.5 * width * velocity(x, time)
        x = x + width * velocity(middle, time + 0.5 * width)
    return x


class Preconditioner:
    """Scales what goes into a network and what comes out of it, so that both have about unit variance at any time.

    For independent data of mean 0 and known deviations, the velocity is a known multiple of the point, as long as
    nothing else is known; the network gives the rest: Karras et al., Elucidating the Design Space of Diffusion-Based
    Generative Models, 2022, section 5, on straight ways, and with a deviation for each number.

    Args:
        deviation: [dimensions], standard deviations of the data.
        time: [B], 0 for noise and 1 for data.
    """

    def __init__(self, deviation: Tensor, time: Tensor) -> None:
        t = time[:, None, None]
        variance = (1 - t).square() + (t * deviation).square()  # of points on the way, [B, 1, dimensions]
        self.scale = variance.rsqrt()
        self.slope = (t * deviation.square() - (1 - t)) / variance
        self.remainder = deviation * self.scale

    def input(self, x: Tensor) -> Tensor:
        """Points [B, length, dimensions], scaled."""
        return x * self.scale

    def velocity(self, x: Tensor, output: Tensor) -> Tensor:
        """What the network's output [B, length, dimensions] for the points means."""
        return self.slope * x + self.remainder * output


def time_features(time: Tensor, width: int) -> Tensor:
    """Times [B] in 0..1 -> sines and cosines of them, [B, width], of frequencies from one turn to a thousand."""
    frequencies = torch.exp(torch.linspace(0, math.log(1000.0), width // 2, device=time.device, dtype=time.dtype))
    angles = 2 * math.pi * time[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)
