"""The tempo of a recording: how strongly notes begin, moment by moment, and the period in which that repeats itself.

Ellis, Beat Tracking by Dynamic Programming, Journal of New Music Research 36(1), 2007, sections 3.1 (the strength of
onsets) and 3.2 (the period, with a preference for tempos near which people tap). To the period and its double, which
the paper looks at, comes a bar of four beats: most music has them, and what repeats itself after a beat and a half is
then taken for a beat no more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FRAME_RATE = 100.0
"""Onset strengths a second."""
SLOWEST, FASTEST = 40.0, 240.0
"""Beats a minute between which a tempo is looked for."""
FEWEST = 400
"""Frames in which a tempo can be found."""

_WINDOW = 0.032  # seconds of a spectrum
_BANDS, _HIGHEST = 40, 8000.0  # mel bands, and where they end in Hz
_FLOOR = 1e-8  # power of a band in full scale, below which it counts as silent: what fades out there has no onsets
_USUAL, _OCTAVES = 120.0, 0.9  # beats a minute that are preferred, and how widely: the paper's 0.5 s and 0.9
_CLEAR = 0.1  # of the autocorrelation at the period, below which there is no tempo
_STEADY = 5.0  # dB of deviation below which nothing begins: a noise has 3, a piano 15 to 25, drums 20 to 60
_BLOCK = 4096  # spectra at a time


def onset_strength(samples: NDArray[np.float32] | NDArray[np.int16], sample_rate: int) -> NDArray[np.float32]:
    """How much louder the bands of the spectrum get, summed over the bands, at each hundredth of a second.

    Args:
        samples: of one channel, [N]; int16, or float32 within ±1.
        sample_rate: in Hz.

    Returns:
        [frames], in dB.
    """
    length = max(2, round(_WINDOW * sample_rate))
    starts = np.arange(max(0, int((len(samples) - length) / sample_rate * FRAME_RATE) + 1)) * sample_rate / FRAME_RATE
    places = np.rint(starts).astype(np.int64)
    size = 1 << (length - 1).bit_length()
    window = np.hanning(length + 1)[:-1].astype(np.float32)
    full_scale = 32768.0 if samples.dtype == np.int16 else 1.0
    window /= window.sum() * full_scale
    bands = _mel_bands(size, sample_rate)
    levels = np.full((len(places), len(bands)), 10 * np.log10(_FLOOR), np.float32)
    for first in range(0, len(places), _BLOCK):
        frames = samples[places[first : first + _BLOCK, None] + np.arange(length)].astype(np.float32) * window
        power = np.square(np.abs(np.fft.rfft(frames, size))).astype(np.float32)  # [frames, bins]
        levels[first : first + _BLOCK] = 10 * np.log10(np.maximum(power @ bands.T, _FLOOR))
    rises = np.maximum(np.diff(levels, axis=0, prepend=levels[:1]), 0).sum(axis=1)
    strength: NDArray[np.float32] = np.convolve(rises, _gaussian(), mode="same")[: len(rises)].astype(np.float32)
    return strength


def tempo(strength: NDArray[np.float32]) -> float:
    """The tempo of onset strengths [frames] in beats a minute; NaN where they do not repeat themselves, or are too few.

    Half or twice the tempo that somebody would tap is an answer too, as it is with people.
    """
    shortest, longest = FRAME_RATE * 60 / FASTEST, FRAME_RATE * 60 / SLOWEST  # frames
    count = len(strength)
    if count < FEWEST or strength.std() < _STEADY:
        return float("nan")
    centred = strength - strength.mean()
    spectrum = np.fft.rfft(centred, 1 << (2 * count).bit_length())
    correlation = np.zeros(int(4 * longest) + 3)  # a bar of the slowest tempo
    known = np.arange(min(len(correlation), count // 2 + 1))  # beyond half of it too little overlaps
    correlation[known] = np.fft.irfft(np.square(np.abs(spectrum)))[known] * (count / (count - known))
    correlation /= correlation[0]
    lags = np.arange(int(np.ceil(shortest)), int(longest) + 1)
    preference = np.exp(-0.5 * np.square(np.log2(FRAME_RATE * 60 / lags / _USUAL) / _OCTAVES))
    score = preference * (correlation[lags] + 0.5 * _around(correlation, 2 * lags) + _around(correlation, 4 * lags))
    clear = correlation[lags] >= _CLEAR
    if not clear.any():
        return float("nan")
    lag = int(lags[np.argmax(np.where(clear, score, -np.inf))])
    # Twice the period is known twice as exactly.
    near = int(2 * lag - 2 + np.argmax(correlation[2 * lag - 2 : 2 * lag + 3]))
    period = _vertex(correlation, near) / 2 if correlation[near] >= _CLEAR else _vertex(correlation, lag)
    return float(60 * FRAME_RATE / np.clip(period, shortest, longest))


def _around(values: NDArray[np.float64], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """The highest value at each place or beside it."""
    highest: NDArray[np.float64] = np.max([values[places + shift] for shift in (-2, -1, 0, 1, 2)], axis=0)
    return highest


def _vertex(values: NDArray[np.float64], at: int) -> float:
    """Where the parabola through a value and its neighbours is highest; within half a place of it."""
    if at + 1 >= len(values):
        return float(at)
    before, here, after = values[at - 1 : at + 2]
    bend = before - 2 * here + after
    return at + (float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0)


def _gaussian() -> NDArray[np.float64]:
    """A bell of 20 ms, whose values sum to one."""
    offsets = np.arange(-5, 6)
    bell = np.exp(-0.5 * np.square(offsets / (0.02 * FRAME_RATE)))
    smooth: NDArray[np.float64] = bell / bell.sum()
    return smooth


def _mel_bands(size: int, sample_rate: int) -> NDArray[np.float32]:
    """Triangles that are equally wide in mel, [bands, bins]; those without a bin have none."""
    highest = min(_HIGHEST, sample_rate / 2)
    edges = 700 * (10 ** (np.linspace(0, np.log10(1 + highest / 700), _BANDS + 2)) - 1)  # Hz
    bins = np.arange(size // 2 + 1) * sample_rate / size
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    triangles: NDArray[np.float32] = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return triangles
