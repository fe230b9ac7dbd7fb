"""How far apart two sets of points are as distributions, with the bias of small samples taken out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genvae.metrics.embedder import Points

_SIZES = 12  # numbers of points at which the Fréchet distance is taken before it is extrapolated
_SMALLEST = 0.4  # of all points


def gaussian_frechet(
    mean_a: NDArray[np.float64], covariance_a: NDArray[np.float64], mean_b: NDArray[np.float64],
    covariance_b: NDArray[np.float64],
) -> float:  # fmt: skip
    """Squared Fréchet distance of two Gaussians: |m_a - m_b|² + tr(C_a + C_b - 2 (C_a C_b)^½).

    Dowson & Landau, The Fréchet distance between multivariate normal distributions, 1982.

    Args:
        mean_a, mean_b: [D]. covariance_a, covariance_b: [D, D], symmetric and not negative.
    """
    values, vectors = np.linalg.eigh(covariance_a)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    # The root of C_a C_b has the trace of that of the symmetric root(C_a) C_b root(C_a), whose eigenvalues are stable.
    cross = np.sqrt(np.linalg.eigvalsh(root @ covariance_b @ root).clip(0)).sum()
    apart = np.square(mean_a - mean_b).sum() + np.trace(covariance_a) + np.trace(covariance_b) - 2 * cross
    return max(float(apart), 0.0)


def frechet_distance(a: Points, b: Points) -> float:
    """Squared Fréchet distance of the Gaussians fitted to points [N, D] and [M, D]; biased upwards, by about 1/N.

    Heusel et al., GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium, 2017.
    """
    return gaussian_frechet(a.mean(axis=0), np.cov(a, rowvar=False), b.mean(axis=0), np.cov(b, rowvar=False))


def frechet_infinity(a: Points, b: Points, generator: np.random.Generator) -> float:
    """Squared Fréchet distance as it would be with points without end; about zero, and perhaps below, for one source.

    Chong & Forsyth, Effectively Unbiased FID and Inception Score and Where to Find Them, 2020: the distance of
    subsets of N points is nearly linear in 1/N, and the line's value at 0 is the answer. Here both sets are thinned
    alike, as the reference is as small as what is compared with it.

    Args:
        a, b: points [N, D] and [M, D].
        generator: draws the subsets.
    """
    shares = 1 / np.linspace(1 / _SMALLEST, 1, _SIZES)  # evenly spaced in 1/N
    distances = [
        frechet_distance(*(p[generator.permutation(len(p))[: max(2, round(share * len(p)))]] for p in (a, b)))
        for share in shares
    ]
    _, intercept = np.polyfit(1 / shares, distances, 1)
    return float(intercept)


def kernel_distance(a: Points, b: Points) -> float:
    """Squared maximum mean discrepancy under the kernel (x·y / D + 1)³, unbiased: 0 on average for one source.

    Bińkowski et al., Demystifying MMD GANs, 2018, section 3; the kernel of their KID, with all points at once.

    Args:
        a, b: points [N, D] and [M, D], two of each at least.
    """
    dimensions, n, m = a.shape[1], len(a), len(b)

    def kernel(x: Points, y: Points) -> NDArray[np.float64]:
        products: NDArray[np.float64] = (x @ y.T / dimensions + 1) ** 3
        return products

    within_a, within_b = kernel(a, a), kernel(b, b)
    alike = (within_a.sum() - np.trace(within_a)) / (n * (n - 1)) + (within_b.sum() - np.trace(within_b)) / (
        m * (m - 1)
    )
    return float(alike - 2 * kernel(a, b).mean())
