"""The principal directions of a run: steps along them, and what they change in an item, measured by correlation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.errors import GenvaeError
from genvae.latents import LatentMap
from genvae.synthesis.sound import Clip
from genvae.synthesis.synthesizer import Synthesizer

CLIPS = 96
"""Training items that are decoded to learn what the directions do."""

WORDS = (("louder", "softer"), ("brighter", "darker"), ("noisier", "more tonal"), ("busier", "calmer"))
"""What `qualities` measures, as words for more and for less of it."""

_LEAST = 2.58 / CLIPS**0.5  # a correlation that one in a hundred directions without any effect would show
_FRAME, _HOP = 512, 256


@dataclass
class Directions:
    """Directions in which the training latents differ, the strongest first.

    Attributes:
        axes: unit vectors, [k, latent_dim].
        deviations: the standard deviation along each, [k].
        explained: the part of the latents' variance along each, [k].
        latents: of the clips that are decoded to learn what the directions do, [clips, latent_dim].
        genres: of those clips.
        mean: of all latents, [latent_dim].
        vocabulary: what is measured of an item, as words for more and for less of it.
    """

    axes: Tensor
    deviations: Tensor
    explained: Tensor
    latents: Tensor
    genres: Sequence[str]
    mean: Tensor
    vocabulary: Sequence[tuple[str, str]] = WORDS
    _qualities: list[NDArray[np.float64]] = field(default_factory=list)

    @classmethod
    def of(
        cls, latent_map: LatentMap, genres: Sequence[str], k: int, vocabulary: Sequence[tuple[str, str]] = WORDS
    ) -> Directions:
        """The k strongest directions of a run's map, with clips drawn from it."""
        count = len(latent_map.latents)
        drawn = torch.randperm(count, generator=torch.Generator().manual_seed(0))[:CLIPS]
        parts = latent_map.principal
        return cls(
            axes=parts.axes[:k].float(),
            deviations=parts.deviation[:k].float(),
            explained=parts.explained[:k].float(),
            latents=latent_map.latents[drawn],
            genres=[genres[int(index)] for index in latent_map.genre[drawn]],
            mean=parts.mean.float(),
            vocabulary=vocabulary,
        )

    def shift(self, shifts: Sequence[float]) -> Tensor:
        """Steps along the directions, in standard deviations -> [latent_dim].

        Raises:
            GenvaeError: there are not so many directions.
        """
        if len(shifts) > len(self.axes):
            raise GenvaeError(f"There are {len(self.axes)} directions to shift along, not {len(shifts)}.")
        return (torch.tensor(shifts) * self.deviations[: len(shifts)]) @ self.axes[: len(shifts)]

    @property
    def measured(self) -> float:
        """How much of the measuring is done, from 0 to 1."""
        return len(self._qualities) / len(self.latents) if len(self.latents) else 1.0

    @property
    def heard(self) -> int:
        """How many clips are measured, which is the number of the next one."""
        return len(self._qualities)

    def clip(self, number: int, synthesizer: Synthesizer) -> Clip:
        """One of the clips that are decoded to learn what the directions do."""
        return synthesizer.decode(self.latents[number], self.genres[number], seed=number)

    def add(self, measured: NDArray[np.float64]) -> None:
        """Note what is measured of the next clip, a number for each pair of the vocabulary."""
        self._qualities.append(measured)

    def correlations(self) -> NDArray[np.float64]:
        """Of the place along each direction with each quality of the items, [k, qualities]; 0 where nothing varies."""
        latents = self.latents[: len(self._qualities)]
        along = ((latents - self.mean) @ self.axes.T).double().numpy()
        values = np.array(self._qualities)
        along = along - along.mean(axis=0)
        values = values - values.mean(axis=0)
        scale = np.outer(np.linalg.norm(along, axis=0), np.linalg.norm(values, axis=0))
        coefficients: NDArray[np.float64] = np.divide(
            along.T @ values, scale, out=np.zeros_like(scale), where=scale > 0
        )
        return coefficients

    def words(self) -> list[list[str]]:
        """What each direction does, the strongest effect first; none where nothing is sure, or not all is measured."""
        if self.measured < 1 or len(self._qualities) < 3:
            return [[] for _ in self.axes]
        named = []
        for row in self.correlations():
            order = np.argsort(-np.abs(row))
            named.append([self.vocabulary[i][int(row[i] < 0)] for i in order if abs(row[i]) >= _LEAST])
        return named


def qualities(wave: NDArray[np.float32], sample_rate: int) -> NDArray[np.float64]:
    """How a sound [samples] is: its level, brightness, noisiness, and how much happens in it, [4].

    The level in dB; the logarithm of the spectral centroid; the spectral flatness in dB (Johnston, Transform Coding of
    Audio Signals Using Perceptual Noise Criteria, 1988); the spectral flux in dB a frame (Bello et al., A Tutorial on
    Onset Detection in Music Signals, 2005). All but the level are means over frames, weighted by their power.
    """
    frames = np.lib.stride_tricks.sliding_window_view(wave.astype(np.float64), _FRAME)[::_HOP] * np.hanning(_FRAME)
    power = np.square(np.abs(np.fft.rfft(frames, axis=1)))[:, 1:] + 1e-12  # [frames, bins]
    hertz = np.fft.rfftfreq(_FRAME, 1 / sample_rate)[1:]
    total = power.sum(axis=1)
    levels = 10 * np.log10(power)
    centroid = np.log((power @ hertz) / total)
    flatness = levels.mean(axis=1) - 10 * np.log10(power.mean(axis=1))
    flux = np.maximum(np.diff(levels, axis=0), 0).mean(axis=1) if len(levels) > 1 else np.zeros(1)
    return np.array(
        [
            10 * np.log10(np.square(wave.astype(np.float64)).mean() + 1e-12),
            np.average(centroid, weights=total),
            np.average(flatness, weights=total),
            flux.mean(),
        ]
    )
