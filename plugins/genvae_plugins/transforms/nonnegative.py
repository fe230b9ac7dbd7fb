"""Non-negative least squares for a whole batch: magnitudes that a bank of filters may have seen."""

from __future__ import annotations

import torch
from torch import Tensor

_CHECK_EVERY = 10  # iterations


@torch.no_grad()
def solve(filters: Tensor, target: Tensor, start: Tensor, *, tolerance: float = 1e-3, iterations: int = 100) -> Tensor:
    """Find x >= 0 that minimises the sum of squares of `filters @ x - target`, each frame for itself.

    Accelerated proximal gradient (Beck & Teboulle, A Fast Iterative Shrinkage-Thresholding Algorithm, 2009), with
    restarts (O'Donoghue & Candès, Adaptive Restart for Accelerated Gradient Schemes, 2015, section 3.2) in each frame.
    Every unknown has a step length of its own, from the separable bound of De Pierro (A Modified Expectation
    Maximization Algorithm, 1995): where no number is negative, F'F is at most the diagonal matrix of its row sums. It
    makes bands of any weights converge alike.

    With fewer bands than bins many x are equally good; it ends at one near the start.

    Args:
        filters: non-negative, [bands, bins].
        target: non-negative, [B, bands, frames].
        start: non-negative, [B, bins, frames].
        tolerance: it stops where the last step is shorter than this part of the solution, in every frame.
        iterations: it stops after.

    Returns:
        [B, bins, frames]; 0 in bins that no filter sees.
    """
    row_sums = filters.T @ filters.sum(1, keepdim=True)  # of F'F, [bins, 1]
    step = torch.where(row_sums > 0, 1 / row_sums, 0)
    start = torch.where(row_sums > 0, start, 0)
    # A CPU takes clip by clip: each then stays in its cache, and gives the same whatever else is in the batch.
    rows = 1 if target.device.type == "cpu" else max(1, len(target))
    solved = []
    for block, begin in zip(torch.split(target, rows), torch.split(start, rows), strict=True):
        flat = [x.transpose(0, 1).flatten(1) for x in (block, begin)]  # one matrix product serves all
        x = _solve(filters, step, flat[0], flat[1], tolerance, iterations)  # [bins, rows * frames]
        solved.append(x.view(-1, len(block), target.shape[2]).transpose(0, 1))
    return torch.cat(solved)


def _solve(filters: Tensor, step: Tensor, target: Tensor, x: Tensor, tolerance: float, iterations: int) -> Tensor:
    """Targets [bands, frames] and starts [bins, frames] -> [bins, frames]."""
    weight = torch.where(step > 0, 1 / step, 0).sqrt()  # of each unknown in the metric of the steps
    ahead = x.clone()
    pace = torch.ones_like(x[:1])
    for iteration in range(1, iterations + 1):
        gradient = filters.T @ (filters @ ahead).sub_(target)
        following = torch.addcmul(ahead, gradient, step, value=-1).clamp_min_(0)
        change = following - x
        if iteration % _CHECK_EVERY == 0:
            moved, length = (change * weight).norm(dim=0), (following * weight).norm(dim=0)
            if bool((moved <= tolerance * length).all()):
                return following
        # The momentum points uphill where the last step did not go along the change of x.
        uphill = (ahead.sub_(following).mul_(weight) * change.mul(weight)).sum(0, keepdim=True) > 0
        faster = torch.where(uphill, 1.0, (1 + (1 + 4 * pace.square()).sqrt()) / 2)
        momentum = torch.where(uphill, 0.0, (pace - 1) / faster)
        ahead = torch.addcmul(following, momentum, change)
        x, pace = following, faster
    return x
