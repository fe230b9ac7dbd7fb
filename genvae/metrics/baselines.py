"""What a model has to beat: a PCA with a Gaussian for each genre, and noise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from genvae.metrics.embedder import Waves
from genvae.pipeline import Pipeline

COMPONENTS = 128
_BATCH = 32
_NOISE = 0.1  # RMS of full scale


class PrincipalComponents:
    """The linear model of a run's features: their 128 main components, and a Gaussian of each genre over those.

    Tipping & Bishop, Probabilistic Principal Component Analysis, 1999, without the noise.

    Args:
        pipeline: its front end and vocoder are used, its model is not.
        training: waveforms [N, samples] of each genre.
        components: bounded by how many clips there are.
    """

    @torch.no_grad()
    def __init__(self, pipeline: Pipeline, training: Mapping[str, Waves], components: int = COMPONENTS) -> None:
        self._pipeline = pipeline
        features = torch.cat([_features(pipeline, block) for own in training.values() for block in _blocks(own)])
        self._shape = features.shape[1:]
        flat = features.flatten(1)
        self._mean = flat.mean(dim=0)
        flat -= self._mean
        # The components by way of the clips' products with each other, as there are far fewer clips than features.
        values, vectors = torch.linalg.eigh((flat @ flat.T).double())
        count = min(components, len(flat) - 1)
        values, vectors = values[-count:].clamp_min(1e-12), vectors[:, -count:]
        self._directions = (vectors / values.sqrt()).float().T @ flat  # [components, bins * frames], orthonormal
        self._gaussians: dict[str, tuple[Tensor, Tensor]] = {}
        ends = np.cumsum([len(own) for own in training.values()])
        for genre, end in zip(training, ends, strict=True):
            scores = (vectors * values.sqrt())[end - len(training[genre]) : end]
            centred = scores - scores.mean(dim=0)
            self._gaussians[genre] = scores.mean(dim=0), centred / max(len(scores) - 1, 1) ** 0.5

    @torch.no_grad()
    def generate(self, genre: str, count: int, *, samples: int, generator: torch.Generator) -> Waves:
        """Draw clips [count, samples] of a genre from its Gaussian."""
        mean, root = self._gaussians[genre]
        # Noise through the centred scores has their covariance, whether or not that has full rank.
        noise = torch.randn(count, len(root), generator=generator, dtype=root.dtype)
        flat = (mean + noise @ root).float() @ self._directions + self._mean
        features = flat.unflatten(1, self._shape)
        parts = [_sound(self._pipeline, block, samples, generator) for block in features.split(_BATCH)]
        return np.concatenate(parts)


def white_noise(count: int, samples: int, generator: torch.Generator) -> Waves:
    """Clips [count, samples] of Gaussian white noise, 20 dB below full scale."""
    noise: Waves = (_NOISE * torch.randn(count, samples, generator=generator)).numpy()
    return noise


def _blocks(waves: Waves) -> list[Waves]:
    return [waves[i : i + _BATCH] for i in range(0, len(waves), _BATCH)]


def _features(pipeline: Pipeline, waves: Waves) -> Tensor:
    features: Tensor = pipeline.transform(torch.from_numpy(waves))  # [B, bins, frames]
    return features


def _sound(pipeline: Pipeline, features: Tensor, samples: int, generator: torch.Generator) -> Waves:
    waves: Waves = pipeline.sound(features, length=samples, generator=generator).float().numpy()
    return waves
