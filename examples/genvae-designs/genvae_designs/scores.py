"""How good a run's designs are: true factors in its latents, reconstruction, a Fréchet distance, novelty."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import pairwise_distances_argmin_min

from genvae.metrics.distances import frechet_distance
from genvae_designs.bottles import FACTORS

Floats = NDArray[np.float64]
Greys = NDArray[np.float32]

_DIMENSIONS = 32  # of the space in which the Fréchet distance is taken


def recovered(latents: Floats, factors: Floats) -> dict[str, float]:
    """The greatest |r| (Pearson) of any latent with each true factor; latents [N, D], factors [N, 10]."""
    r = np.abs(np.corrcoef(latents.T, factors.T)[: latents.shape[1], latents.shape[1] :])  # [D, 10]
    return dict(zip(FACTORS, np.nan_to_num(r).max(axis=0).tolist(), strict=True))


def named_directions(latents: Floats, factors: Floats) -> tuple[Floats, dict[str, float]]:
    """For each factor the direction in the latent space along which it grows, by least squares.

    Args:
        latents: [N, D].
        factors: [N, 10].

    Returns:
        unit vectors [10, D], and by factor the share of its variance (R²) that a step along it explains.
    """
    centred, wanted = latents - latents.mean(axis=0), factors - factors.mean(axis=0)
    slopes = np.linalg.lstsq(centred, wanted, rcond=None)[0]  # [D, 10]
    explained = 1 - np.square(wanted - centred @ slopes).sum(axis=0) / np.square(wanted).sum(axis=0)
    directions = (slopes / np.maximum(np.linalg.norm(slopes, axis=0), 1e-12)).T
    return directions, dict(zip(FACTORS, explained.tolist(), strict=True))


def reconstruction(real: Greys, decoded: Greys) -> dict[str, float]:
    """Mean PSNR in dB and SSIM (Wang et al., Image Quality Assessment, 2004) of pictures [N, 128, 128] in 0..1."""
    pairs = list(zip(real, decoded, strict=True))
    return {
        "psnr": float(np.mean([peak_signal_noise_ratio(a, b, data_range=1.0) for a, b in pairs])),
        "ssim": float(np.mean([structural_similarity(a, b, data_range=1.0) for a, b in pairs])),
    }


def picture_space(real: Greys) -> Callable[[Greys], Floats]:
    """A map of pictures [N, 128, 128] to [N, 32]: the principal components of real ones at a quarter of their size.

    It stands in for the Inception network of the FID, which has seen photographs and no drawn bottles.
    """
    small = _quarter(real)
    mean = small.mean(axis=0)
    basis = np.linalg.svd(small - mean, full_matrices=False)[2][:_DIMENSIONS]
    return lambda pictures: (_quarter(pictures) - mean) @ basis.T


def distances(generated: Greys, training: Greys, held_out: Greys) -> dict[str, float]:
    """The Fréchet distance and novelty of generated pictures, each with what real held-out ones get.

    All sets are cut to the smallest, as the distance grows with fewer pictures: compare it at one number only. Novelty
    is the mean root-mean-square difference from the nearest training picture; a stored picture would have 0.
    """
    count = min(map(len, (generated, training, held_out)))
    place = picture_space(training)
    reference = place(training[-count:])
    return {
        "pictures": count,
        "frechet": frechet_distance(place(generated[:count]), reference),
        "frechet_held_out": frechet_distance(place(held_out[:count]), reference),
        "novelty": nearest(generated[:count], training),
        "novelty_held_out": nearest(held_out[:count], training),
    }


def nearest(pictures: Greys, others: Greys) -> float:
    """The mean root-mean-square difference of pictures [N, 128, 128] from the nearest of others [M, 128, 128]."""
    ours, theirs = (each.reshape(len(each), -1) for each in (pictures, others))
    least = pairwise_distances_argmin_min(ours, theirs)[1]
    return float(least.mean() / ours.shape[1] ** 0.5)


def _quarter(pictures: Greys) -> Floats:
    """[N, 128, 128] -> [N, 32 * 32], the means of squares of four by four."""
    side = pictures.shape[1] // 4
    return pictures.reshape(len(pictures), side, 4, side, 4).mean(axis=(2, 4)).reshape(len(pictures), -1).astype(float)
