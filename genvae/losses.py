"""Tensor functions that several models share."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of a diagonal Gaussian from the standard normal, in nats.

    Kingma & Welling, Auto-Encoding Variational Bayes, 2014, appendix B.

    Args:
        mean, log_variance: [..., latent_dim].

    Returns:
        [..., latent_dim]: the divergence of each dimension; sum over the last axis for the whole.
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)


def free_bits(kl: Tensor, nats: float) -> Tensor:
    """Total divergence in which no dimension counts for less than `nats`, so that none is worth switching off.

    Kingma et al., Improved Variational Inference with Inverse Autoregressive Flow, 2016, section 3.2 (the bound is on
    the batch mean of each dimension).

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
