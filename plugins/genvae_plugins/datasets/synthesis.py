"""Single sounds for the `synthetic` dataset: struck strings, skins, noise, and filtered saws, as arrays of float32."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]
Numbers = Sequence[float] | NDArray[np.float64]


def hertz(key: float) -> float:
    """Frequency of a key of the MIDI scale, where 69 is 440 Hz."""
    return float(440 * 2 ** ((key - 69) / 12))


def faded(sound: Sound, rate: int) -> Sound:
    """The sound with a start of 1 ms and an end of 10 ms smoothed, in place, so that neither clicks."""
    rise, fall = min(rate // 1000 + 1, len(sound)), min(rate // 100 + 1, len(sound))
    sound[:rise] *= np.linspace(0, 1, rise, dtype=np.float32)
    sound[len(sound) - fall :] *= np.linspace(1, 0, fall, dtype=np.float32)
    return sound


def held(sound: Sound, length: float, release: float) -> Sound:
    """A copy of the first `length` samples of a sound, let go over `release` more."""
    copy = sound[: int(length + release)].copy()
    copy[int(length) :] *= np.linspace(1, 0, max(0, len(copy) - int(length)), dtype=np.float32)
    return copy


def ring(frequencies: Numbers, levels: Numbers, decays: Numbers, seconds: float, rate: int) -> Sound:
    """A sum of damped sines: frequencies in Hz, levels, and the seconds in which each falls to 1/e."""
    step = (-1 / np.asarray(decays) + 2j * np.pi * np.asarray(frequencies)) / rate
    # e^(step * (512 a + b)) is a product of two, so the sum over the sines of all samples is a product of matrices.
    length = int(seconds * rate)
    rows = -(-length // 512)
    coarse = np.exp(np.outer(512 * np.arange(rows), step)) * np.asarray(levels)  # [rows, sines]
    fine = np.exp(np.outer(step, np.arange(512)))  # [sines, 512]
    sound: Sound = (coarse @ fine).imag.astype(np.float32).ravel()[:length]
    return sound


def drum_sweep(frequency: float, rise: float, decay: float, rate: int) -> Sound:
    """A skin: a sine in Hz that falls from `frequency + rise`, dying out with `decay` seconds."""
    time = np.arange(int(4 * decay * rate)) / rate
    cycles = frequency * time + rise * 0.03 * (1 - np.exp(-time / 0.03))
    return faded((np.sin(2 * np.pi * cycles) * np.exp(-time / decay)).astype(np.float32), rate)


def noise(
    rng: np.random.Generator, low: float, high: float, decay: float, rate: int, seconds: float | None = None
) -> Sound:
    """A burst of noise between two frequencies in Hz that dies out with `decay` seconds."""
    length = int((seconds or 4 * decay) * rate)
    band = band_pass(rng.standard_normal(length), low, high, rate)
    band *= np.exp(-np.arange(length) / (decay * rate)) / (3 * band.std() + 1e-9)
    return faded(band.astype(np.float32), rate)


def band_pass(sound: NDArray[np.float64], low: float, high: float, rate: int) -> NDArray[np.float64]:
    """The sound with 12 dB an octave taken off below and above two frequencies in Hz."""
    size = 1 << (len(sound) - 1).bit_length()
    frequency = np.fft.rfftfreq(size, 1 / rate)
    gain = frequency**2 / (frequency**2 + low**2) / (1 + (frequency / high) ** 2)
    return np.fft.irfft(np.fft.rfft(sound, size) * gain, size)[: len(sound)]


def saw_table(lowest: float, cutoff: float, resonance: float, rate: int) -> Sound:
    """A cycle of 2048 samples of a saw of `lowest` Hz behind a resonant low pass; no aliases up to an octave above.

    The filter stands still in harmonics, not in Hz, as it does in a synthesiser whose cutoff follows the keyboard.
    """
    harmonics = np.arange(1, max(2, min(400, int(rate / 4 / lowest))))
    ratio = harmonics * lowest / cutoff
    gain = 1 / np.sqrt((1 - ratio**2) ** 2 + (ratio / resonance) ** 2)
    spectrum = np.zeros(1025, np.complex128)
    spectrum[1 : len(harmonics) + 1] = -1j * gain / harmonics
    table = np.fft.irfft(spectrum)
    normalised: Sound = (table / np.abs(table).max()).astype(np.float32)
    return normalised


def tone(table: Sound, frequency: float, seconds: float, decay: float, rate: int) -> Sound:
    """A table played at a frequency in Hz, dying out with `decay` seconds."""
    time = np.arange(int(seconds * rate))
    cycles = (time * (2048 * frequency / rate)).astype(np.int64) & 2047
    sound: Sound = table[cycles] * np.exp(time.astype(np.float32) * np.float32(-1 / (decay * rate)))
    return sound


def power_chord(key: int, drive: float, cabinet: float, table: Sound, length: float, decay: float, rate: int) -> Sound:
    """Root, fifth and octave through an amplifier that saturates, and the loudspeaker behind it."""
    strings = [tone(table, hertz(key + note), length / rate, decay, rate) for note in (0, 7.02, 12.03)]
    driven = np.tanh(drive * np.sum(strings, axis=0, dtype=np.float64))
    return faded(band_pass(driven, 110, cabinet, rate).astype(np.float32), rate)
