"""Nearest neighbours, and weights for them that change without a jump when one neighbour takes another's place."""

from __future__ import annotations

import torch
from torch import Tensor


def nearest(points: Tensor, to: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k points [N, D] next to one point [D], or all if there are fewer: indices [k] and distances [k], ascending.

    One point at a time, so that an answer never depends on what else is asked.
    """
    squared = (points - to).square().sum(dim=1)
    smallest, indices = squared.topk(min(k, len(points)), largest=False)
    return indices, smallest.sqrt()


def weights(distances: Tensor) -> Tensor:
    """What each of the nearest [k] counts, ascending by distance; their sum is 1.

    Franke and Little's form of Shepard's weights (Franke, Scattered Data Interpolation, 1982, section 3): a neighbour
    at no distance counts alone, and the farthest not at all, so that no weight jumps when that one is exchanged.
    """
    far = distances[-1]
    if float(far) < torch.finfo(distances.dtype).tiny or len(distances) == 1:  # below it, division loses its digits
        return torch.full_like(distances, 1 / len(distances))
    relative = distances / far
    raw = ((1 - relative) / relative.clamp_min(1e-6)).square()
    total = raw.sum()
    return raw / total if float(total) > 0 else torch.full_like(raw, 1 / len(raw))  # all equally far
