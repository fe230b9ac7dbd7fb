"""How far apart two sets of points are as distributions, with the bias of small samples taken out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genvae.metrics.embedder import Points

_SPLITS = 3  # into halves
_FEWEST = 4  # points whose halves have a covariance


def frechet_distance(a: Points, b: Points) -> float:
    """Squared Fréchet distance of the Gaussians fitted to points [N, D] and [M, D]; biased upwards, by about 1/N.

    |m_a - m_b|² + tr(C_a + C_b - 2 (C_a C_b)^½): Dowson & Landau, The Fréchet distance between multivariate normal
    distributions, 1982; of embeddings Heusel et al., GANs Trained by a Two Time-Scale Update Rule Converge to a Local
    Nash Equilibrium, 2017.
    """
    ours, theirs = _root(a), _root(b)
    # The eigenvalues of C_a C_b are the squared singular values of R_a R_b^T, so no root of a matrix is taken.
    cross = np.linalg.svd(ours @ theirs.T, compute_uv=False).sum()
    apart = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    return float(apart + np.square(ours).sum() + np.square(theirs).sum() - 2 * cross)


def _root(points: Points) -> NDArray[np.float64]:
    """A root R of the covariance of points [N, D], R^T R, with no more rows than it needs."""
    centred: NDArray[np.float64] = (points - points.mean(axis=0)) / max(len(points) - 1, 1) ** 0.5
    if len(centred) <= centred.shape[1]:
        return centred
    return np.linalg.qr(centred).R


def frechet_infinity(a: Points, b: Points, generator: np.random.Generator) -> float:
    """Squared Fréchet distance as it would be with points without end; about zero, and perhaps below, for one source.

    Chong & Forsyth, Effectively Unbiased FID and Inception Score and Where to Find Them, 2020: the distance of
    subsets of N points is nearly linear in 1/N, and the line's value at 0 is the answer. Here the line goes through
    the distance of whole sets and the mean of that of halves, and both sets are halved, as the reference is as small
    as what is compared with it.

    Args:
        a: points [N, D].
        b: points [M, D]; where either has less than four, the distance is that of the sets as they are.
        generator: draws the halves.
    """
    whole = frechet_distance(a, b)
    if min(len(a), len(b)) < _FEWEST:
        return whole
    halves = []
    for _ in range(_SPLITS):
        thinned = [np.array_split(generator.permutation(points), 2) for points in (a, b)]
        halves += [frechet_distance(ours, theirs) for ours, theirs in zip(*thinned, strict=True)]
    return 2 * whole - float(np.mean(halves))  # the line through both, at 1/N = 0


def kernel_distance(a: Points, b: Points) -> float:
    """Squared maximum mean discrepancy under the kernel (x·y / D + 1)³, unbiased: 0 on average for one source.

    Bińkowski et al., Demystifying MMD GANs, 2018, section 3: the kernel of their kernel inception distance (KID), with
    all points at once.

    Args:
        a: points [N, D], two at least.
        b: points [M, D], likewise.
    """
    dimensions, n, m = a.shape[1], len(a), len(b)

    def kernel(x: Points, y: Points) -> NDArray[np.float64]:
        products: NDArray[np.float64] = (x @ y.T / dimensions + 1) ** 3
        return products

    within_a, within_b = kernel(a, a), kernel(b, b)
    alike = (within_a.sum() - np.trace(within_a)) / max(n * (n - 1), 1) + (within_b.sum() - np.trace(within_b)) / max(
        m * (m - 1), 1
    )
    return float(alike - 2 * kernel(a, b).mean())
