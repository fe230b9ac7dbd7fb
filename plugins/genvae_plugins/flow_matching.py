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
    decided: Esser et al., Scaling Rectified Flow Transformers, 2024, section 3.1.

    Args:
        data: [B, ...], of about unit scale.

    Returns:
        [B].
    """
    noise = torch.randn(data.shape, generator=generator, device=data.device, dtype=data.dtype)
    time = torch.randn(len(data), generator=generator, device=data.device, dtype=data.dtype).sigmoid()
    t = time.view(-1, *[1] * (data.dim() - 1))
    error = velocity(noise + t * (data - noise), time) - (data - noise)
    return error.square().flatten(1).mean(1)


def walk(velocity: Velocity, noise: Tensor, steps: int) -> Tensor:
    """From noise [B, ...] to data along the learnt velocity, by the midpoint rule: two evaluations a step."""
    x, width = noise, 1.0 / steps
    for step in range(steps):
        time = torch.full((len(x),), step * width, device=x.device, dtype=x.dtype)
        middle = x + 0.5 * width * velocity(x, time)
        x = x + width * velocity(middle, time + 0.5 * width)
    return x


def time_features(time: Tensor, width: int) -> Tensor:
    """Times [B] in 0..1 -> sines and cosines of them, [B, width], of frequencies from one turn to a thousand."""
    frequencies = torch.exp(torch.linspace(0, math.log(1000.0), width // 2, device=time.device, dtype=time.dtype))
    angles = 2 * math.pi * time[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)
