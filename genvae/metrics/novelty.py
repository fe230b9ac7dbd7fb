"""How near clips come to the training clips: by embedding, and by a spectrogram match at any offset in time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.metrics.embedder import Waves, resampled
from genvae.metrics.spectrogram import SAMPLE_RATE, log_mel

HOP = 256  # samples of a frame at that rate: fine enough that an offset between frames hides no copy
_POOLED = 2  # bands that are averaged
_EDGE = 3  # frames at each end that reach beyond the clip
_BATCH = 64
_BLOCK = 512  # training clips compared at a time: with 360 others 60 MB
_CANDIDATES = 32
_RARE = 0.01
_TINY = 1e-9


@dataclass(frozen=True)
class Novelty:
    """How near clips come to training clips, beside how near real unseen clips of their genres come.

    Attributes:
        distance: median distance from the nearest training clip by embedding.
        nearer: share of clips nearer to theirs than all but one in a hundred of the real unseen clips of the genre, so
            0.01 for those.
        match: median of the best spectrogram match.
        matched: share that match better than all but one in a hundred of the real unseen ones.
        best: the best match of all; 1 for a copy.
    """

    distance: float
    nearer: float
    match: float
    matched: float
    best: float


@dataclass(frozen=True)
class Nearness:
    """How near each of N clips comes to the training clips.

    Attributes:
        distance: from the nearest one by embedding, [N].
        matches: the best of each.
    """

    distance: NDArray[np.float64]
    matches: Matches


def novelty(clips: Mapping[str, Nearness], unseen: Mapping[str, Nearness]) -> Novelty:
    """Sum up how near the clips of each genre come to training clips, beside real unseen ones."""
    nearer = [own.distance < np.quantile(unseen[genre].distance, _RARE) for genre, own in clips.items()]
    matched = [own.matches.score > np.quantile(unseen[genre].matches.score, 1 - _RARE) for genre, own in clips.items()]
    scores = np.concatenate([own.matches.score for own in clips.values()])
    return Novelty(
        distance=float(np.median(np.concatenate([own.distance for own in clips.values()]))),
        nearer=float(np.mean([each.mean() for each in nearer])),
        match=float(np.median(scores)),
        matched=float(np.mean([each.mean() for each in matched])),
        best=float(scores.max()),
    )


@dataclass(frozen=True)
class Matches:
    """Of each of N clips the training clip that matches it best.

    Attributes:
        score: correlation coefficient of the two spectrograms where they overlap, [N]; 1 for a copy.
        number: of the training clip, as a position in the index, [N].
        offset: where in the training clip the clip begins, in seconds, negative for one that begins before it, [N].
    """

    score: NDArray[np.float64]
    number: NDArray[np.int64]
    offset: NDArray[np.float64]


class SpectrogramIndex:
    """Band spectrograms that others are matched with, at every offset up to half a clip.

    A clip cut from a recording anywhere, even across two training clips, overlaps with one of them by half at least.
    Every band's mean over all training clips is taken off first, so that clips don't match for the spectrum that all
    music has. Spectrograms of half the frames choose the candidates that are then matched at full resolution.

    Args:
        spectrograms: of the training clips, [N, bands, frames], as `band_spectrograms` makes them.
    """

    def __init__(self, spectrograms: Tensor) -> None:
        self._mean = spectrograms.mean(dim=(0, 2), keepdim=True)
        self._spectrograms = spectrograms - self._mean
        self._coarse = torch.nn.functional.avg_pool1d(self._spectrograms, 2)

    def match(self, spectrograms: Tensor) -> Matches:
        """The best match of each spectrogram [N, bands, frames].

        Raises:
            ValueError: they have another number of bands or frames.
        """
        if spectrograms.shape[1:] != self._spectrograms.shape[1:]:
            raise ValueError(
                f"spectrograms of {list(spectrograms.shape[1:])} can't be matched with others of "
                f"{list(self._spectrograms.shape[1:])}"
            )
        queries = spectrograms - self._mean
        coarse = torch.nn.functional.avg_pool1d(queries, 2)
        scores = torch.cat([correlate(coarse, block)[0] for block in torch.split(self._coarse, _BLOCK)], dim=1)
        candidates = scores.topk(min(_CANDIDATES, len(self._spectrograms)), dim=1).indices
        matches = Matches(np.zeros(len(queries)), np.zeros(len(queries), np.int64), np.zeros(len(queries)))
        for i, numbers in enumerate(candidates):
            score, lag = correlate(queries[i : i + 1], self._spectrograms[numbers])
            best = int(score.argmax())
            matches.score[i], matches.number[i] = float(score[0, best]), int(numbers[best])
            matches.offset[i] = -int(lag[0, best]) * HOP / SAMPLE_RATE
        return matches


def correlate(queries: Tensor, references: Tensor) -> tuple[Tensor, Tensor]:
    """The largest normalised cross-correlation along time of spectrograms [Q, bands, T] with [N, bands, T].

    It is the correlation coefficient of all bands over the time in which the two overlap, whatever their levels, at
    every lag that leaves them half of it; computed by FFT. Lewis, Fast Normalized Cross-Correlation, 1995.

    Returns:
        the coefficient and its lag: frame `lag` of the query lies at the start of the reference; [Q, N] each.
    """
    bands, frames = queries.shape[1:]
    furthest = frames // 2 + _EDGE + 1  # the frames at the ends, which are left out, don't count for the half
    lags = torch.arange(-furthest, furthest + 1)
    lags = lags[lags.abs() < frames]
    values = bands * (frames - lags.abs())  # that overlap, [lags]
    ours = torch.fft.rfft(queries, 2 * frames).permute(2, 0, 1)  # [lines, Q, bands]
    theirs = torch.fft.rfft(references, 2 * frames).permute(2, 1, 0).conj()  # [lines, bands, N]
    products = torch.fft.irfft((ours @ theirs).permute(1, 2, 0), 2 * frames)[..., lags]  # [Q, N, lags]
    our_sum, our_norm = _overlapping_moments(queries, lags, values)
    their_sum, their_norm = _overlapping_moments(references, -lags, values)
    products -= (our_sum / values)[:, None] * their_sum
    products /= our_norm[:, None] * their_norm
    best, place = products.max(dim=2)
    return best, lags[place]


def _overlapping_moments(spectrograms: Tensor, lags: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of what overlaps at each lag, and the norm of its deviation from its mean: [N, lags] each."""
    total = overlapping(spectrograms.sum(dim=1), lags)
    squares = overlapping(spectrograms.square().sum(dim=1), lags)
    return total, (squares - total.square() / values).clamp_min(_TINY).sqrt()


def overlapping(frames: Tensor, lags: Tensor) -> Tensor:
    """Sums over the frames [..., frames] that overlap with a clip which begins `lag` frames later: [..., lags].

    For a positive lag these are the frames from there on, for a negative one those up to that far before the end.
    """
    count = frames.shape[-1]
    sums = torch.nn.functional.pad(frames.double().cumsum(dim=-1), (1, 0))
    return (sums[..., (count + lags).clamp_max(count)] - sums[..., lags.clamp_min(0)]).float()


def band_spectrograms(waves: Waves, sample_rate: int) -> Tensor:
    """Waveforms [N, samples] at a rate in Hz -> levels of 32 bands, without the frames at the ends, [N, 32, frames]."""
    levels = []
    for start in range(0, len(waves), _BATCH):
        block = resampled(waves[start : start + _BATCH], sample_rate, SAMPLE_RATE)
        pooled = torch.nn.functional.avg_pool2d(log_mel(torch.from_numpy(block), HOP), (_POOLED, 1))
        levels.append(pooled[..., _EDGE:-_EDGE])
    return torch.cat(levels)
