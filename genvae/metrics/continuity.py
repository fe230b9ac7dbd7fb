"""Whether a sound of some seconds holds together: its level, its beat, its key, and whether its joins are heard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.clips.store import ClipStore
from genvae.metrics.bands import decibels, spectrogram
from genvae.metrics.embedder import Waves, resampled
from genvae.metrics.sampling import Numbers
from genvae.metrics.spectrogram import SAMPLE_RATE

_N_FFT, _HOP = 1024, 256
_CHROMA_FFT = 8192  # 2.7 Hz a bin: semitones are told apart from 100 Hz
_LOWEST, _HIGHEST = 100.0, 2000.0  # Hz, of the chroma
_SLOWEST, _FASTEST = 1.5, 0.25  # seconds of a beat
_SPACING = 0.5  # seconds from one join of a generated sound to the next


@dataclass(frozen=True)
class Continuity:
    """Medians over sounds.

    Attributes:
        level: standard deviation of the level from second to second, in dB.
        drift: how much louder the second half is than the first, in dB, whichever way.
        beat: largest autocorrelation of the onsets at the lag of a beat, 0.25 to 1.5 s; 1 for a machine's.
        beat_held: the autocorrelation of the second half's onsets at the beat of the first half, beside its own
            largest.
        key: correlation of each second's chroma with the mean chroma of the others.
        seams: how much more the spectrum changes where clips are joined, every half second, than between the joins,
            in dB.
    """

    level: float
    drift: float
    beat: float
    beat_held: float
    key: float
    seams: float


def continuity(waves: Waves, sample_rate: int) -> Continuity:
    """Describe sounds [N, samples] of at least two seconds."""
    descriptions = [_one(wave) for wave in torch.from_numpy(resampled(waves, sample_rate, SAMPLE_RATE))]
    return Continuity(**{name: float(np.median([each[name] for each in descriptions])) for name in descriptions[0]})


def mean_continuity(genres: Iterable[Continuity]) -> Continuity:
    """The mean of several, such as those of the genres."""
    values = [asdict(each) for each in genres]
    return Continuity(**{name: float(np.mean([each[name] for each in values])) for name in values[0]})


def excerpts(store: ClipStore, numbers: Mapping[str, Numbers], seconds: float, count: int) -> dict[str, Waves]:
    """Uncut real sounds of each genre, [at most count, samples], from clips of a store that follow each other.

    Args:
        numbers: of the clips to take them from.
        seconds: of each sound.
        count: of each genre, evenly over what there is.
    """
    samples = round(seconds * store.sample_rate)
    needed = -(-samples // store.clip_samples)
    sounds = {}
    for genre, own in numbers.items():
        places = {
            (int(r), int(o)): int(n)
            for n, r, o in zip(own, store.index["recording"][own], store.index["offset"][own], strict=True)
        }
        runs, used = [], set()
        for (recording, offset), _ in sorted(places.items()):
            chain = [(recording, offset + step * store.clip_samples) for step in range(needed)]
            if all(each in places and each not in used for each in chain):
                used.update(chain)
                runs.append([places[each] for each in chain])
        chosen = (
            [runs[i] for i in np.unique(np.linspace(0, len(runs) - 1, min(count, len(runs))).astype(int))]
            if runs
            else []
        )
        if chosen:
            sounds[genre] = np.stack([store.waves(run).ravel()[:samples] for run in chosen])
    return sounds


def patchworks(waves: Waves, sample_rate: int, generator: np.random.Generator) -> Waves:
    """What holds together in nothing: sounds [N, samples] of half-second pieces of all of them."""
    piece = round(_SPACING * sample_rate)
    count, pieces = len(waves), waves.shape[1] // piece
    cut = waves[:, : pieces * piece].reshape(count * pieces, piece)
    sounds: Waves = generator.permutation(cut).reshape(count, pieces * piece)
    return sounds


def _one(wave: Tensor) -> dict[str, float]:
    wave = wave / wave.square().mean().clamp_min(1e-10).sqrt()
    whole = len(wave) // SAMPLE_RATE
    seconds = wave[: whole * SAMPLE_RATE].view(whole, SAMPLE_RATE)
    levels = 10 * torch.log10(seconds.square().mean(dim=1) + 1e-6)
    first, second = wave[: len(wave) // 2], wave[len(wave) // 2 :]
    loudness = [10 * torch.log10(half.square().mean() + 1e-6) for half in (first, second)]
    level = decibels(spectrogram(wave[None], _N_FFT, _HOP)[0].square()).clamp_min(-60.0)  # [bins, frames]
    rise = level.diff(dim=1).clamp_min(0).mean(dim=0).numpy()  # [frames - 1]
    pulse = _autocorrelation(rise)
    halves = [_autocorrelation(half) for half in np.array_split(rise, 2)]
    lag = int(halves[0].argmax())
    chroma = _chroma(seconds)
    others = (chroma.sum(axis=0) - chroma) / max(whole - 1, 1)
    return {
        "level": float(levels.std()),
        "drift": float((loudness[1] - loudness[0]).abs()),
        "beat": float(pulse.max()),
        "beat_held": float(halves[1][lag] / max(halves[1].max(), 1e-6)),
        "key": float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(chroma, others, strict=True)])),
        "seams": _seams(level),
    }


def _autocorrelation(rise: NDArray[np.float32]) -> NDArray[np.float64]:
    """Correlation of onsets [frames] with themselves at the lags of a beat, [lags]."""
    centred = rise.astype(np.float64) - rise.mean()
    per_second = SAMPLE_RATE / _HOP
    slowest = min(round(_SLOWEST * per_second), len(rise) // 2)
    lags = range(round(_FASTEST * per_second), slowest + 1)
    power = max(float(np.square(centred).mean()), 1e-9)
    return np.array([(centred[lag:] * centred[: len(centred) - lag]).mean() / power for lag in lags])


def _chroma(seconds: Tensor) -> NDArray[np.float64]:
    """How much of each of the twelve semitones sounds in each second, [seconds, 12] (Fujishima 1999)."""
    power = spectrogram(seconds, _CHROMA_FFT, _CHROMA_FFT // 4).square().mean(dim=2).double().numpy()
    hertz = np.fft.rfftfreq(_CHROMA_FFT, 1 / SAMPLE_RATE)
    inside = (hertz >= _LOWEST) & (hertz <= _HIGHEST)
    semitone = np.round(12 * np.log2(hertz[inside] / 440)).astype(int) % 12
    chroma = np.zeros((len(seconds), 12))
    for tone in range(12):
        chroma[:, tone] = np.sqrt(power[:, inside][:, semitone == tone].sum(axis=1))
    return chroma


def _seams(level: Tensor) -> float:
    """Mean change of level [bins, frames] at multiples of the spacing, less the mean change elsewhere, in dB."""
    change = level.diff(dim=1).abs().mean(dim=0)  # [frames - 1]
    times = (torch.arange(len(change)) + 0.5) * _HOP / SAMPLE_RATE
    phase = (times + _SPACING / 2) % _SPACING - _SPACING / 2
    near = phase.abs() < 0.05
    return float(change[near].mean() - change[~near].mean())
