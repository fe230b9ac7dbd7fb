"""Tensor functions that several models share."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of a diagonal Gaussian from the standard normal, in nats.

    Kingma & Welling, Auto-Encoding Variational Bayes, 2014, appendix B.

    >>> gaussian_kl(torch.tensor([0.0, 1.0]), torch.tensor([0.0, 0.0]))
    tensor([0.0000, 0.5000])

    Args:
        mean: [..., latent_dim].
        log_variance: [..., latent_dim], natural logarithms.

    Returns:
        [..., latent_dim]: the KL divergence of each dimension; sum over the last axis for the whole.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)


def free_bits(kl: Tensor, nats: float) -> Tensor:
    """Total KL divergence in which no dimension counts for less than `nats`, so that none is worth switching off.

    Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016, section 3.2 (the bound is on
    the batch mean of each dimension).

    >>> free_bits(torch.tensor([[0.1, 2.0], [0.1, 4.0]]), nats=0.5)  # 0.5 for the first, 3 for the second
    tensor(3.5000)

    Args:
        kl: [B, latent_dim], in nats.

    Returns:
        a scalar.
    """
    return kl.mean(dim=0).clamp_min(nats).sum()


def reparameterise(mean: Tensor, log_variance: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw z = mean + std * epsilon, differentiable in both; same shape as `mean`."""
    noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
    return mean + (0.5 * log_variance).exp() * noise


def gaussian_nll(x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """Negative log-likelihood of each value under a Gaussian of its own, in nats.

    Args:
        x: the values.
        mean: of a shape that broadcasts with them.
        log_scale: likewise; the logarithm of the standard deviation.

    Returns:
        the broadcast shape.
    """
    error = (x - mean) * (-log_scale).exp()
    return 0.5 * error.square() + log_scale + 0.5 * math.log(2 * math.pi)


def maximum_mean_discrepancy(a: Tensor, b: Tensor) -> Tensor:
    """How far two samples are from one distribution: 0 on average for the same one, and possibly below.

    The unbiased estimate of Gretton et al., A Kernel Two-Sample Test, 2012, lemma 6, with the sum of inverse
    multiquadric kernels of Tolstikhin et al., Wasserstein Auto-Encoders, 2018, section 4, made for standard normals.

    Args:
        a: [n, dimensions] with n above one.
        b: as many.

    Returns:
        a scalar.
    """
    n, dimensions = a.shape
    total = a.new_zeros(())
    for factor in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0):
        width = 2.0 * dimensions * factor

        def kernel(x: Tensor, y: Tensor, width: float = width) -> Tensor:
            # Not torch.cdist: its gradient where two points coincide is not finite.
            apart = x.square().sum(1)[:, None] + y.square().sum(1)[None] - 2.0 * x @ y.mT
            return width / (width + apart.clamp_min(0.0))

        same = kernel(a, a) + kernel(b, b)
        total = total + (same.sum() - same.trace()) / (n * (n - 1)) - 2.0 * kernel(a, b).mean()
    return total
