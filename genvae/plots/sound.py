"""Pictures of one sound: its waveform and samples, its power spectrum, its spectrogram."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator
from numpy.typing import NDArray
from torch import Tensor

from genvae.plots import style

FrequencyScale = Literal["linear", "log", "mel"]

_N_FFT = 1024
_POINTS = 2000  # of a waveform that is drawn as an envelope
_ZOOM = 0.005  # seconds in which samples show
_LOWEST = 40.0  # Hz, where an axis of log frequency begins
_RANGE = 80.0  # dB under the loudest that a spectrogram shows


@dataclass(frozen=True)
class Sound:
    """What is drawn.

    Attributes:
        name: what it is called.
        wave: [samples] within ±1.
        sample_rate: in Hz.
        start: where it begins in its file, in seconds.
    """

    name: str
    wave: Tensor
    sample_rate: int
    start: float = 0.0


def waveform(sound: Sound, *, at: float | None = None) -> Figure:
    """The waveform, and below it a few milliseconds in which its samples can be seen.

    Args:
        at: where those begin, in seconds; by default around the loudest sample.
    """
    rate, wave = sound.sample_rate, sound.wave.numpy()
    times = sound.start + np.arange(len(wave)) / rate
    width = min(max(round(_ZOOM * rate), 16), len(wave))
    first = round((at - sound.start) * rate) if at is not None else int(np.abs(wave).argmax()) - width // 2
    first = min(max(first, 0), len(wave) - width)
    shown = slice(first, first + width)
    drawn = style.figure(4.2)
    whole, near = drawn.subplots(2, 1)
    _envelope(whole, times, wave)
    whole.axvspan(times[shown][0], times[shown][-1], color=style.COLOURS[1], alpha=0.8)
    whole.set(title=sound.name, xlabel="time in s", ylabel="amplitude", xlim=(times[0], times[-1]), ylim=(-1, 1))
    milliseconds = 1000 * times[shown]
    near.plot(milliseconds, wave[shown], color=style.COLOURS[4], linewidth=1)
    near.vlines(milliseconds, 0, wave[shown], color=style.COLOURS[1], linewidth=0.6)
    near.plot(milliseconds, wave[shown], ".", color=style.COLOURS[1], markersize=4)
    near.axhline(0, color="0.5", linewidth=0.6)
    near.set_title(f"{width} of its {len(wave)} samples, {rate} in a second", fontsize=10)
    near.set(xlabel="time in ms", ylabel="amplitude")
    return drawn


def spectrum(sound: Sound) -> Figure:
    """Waveform and power spectrum side by side."""
    wave = sound.wave.numpy()
    drawn = style.figure(2.8)
    left, right = drawn.subplots(1, 2)
    times = sound.start + np.arange(len(wave)) / sound.sample_rate
    _envelope(left, times, wave)
    left.set(xlabel="time in s", ylabel="amplitude", xlim=(times[0], times[-1]), ylim=(-1, 1))
    power = _power(sound.wave).mean(axis=1)  # [bins]
    hertz = np.linspace(0, sound.sample_rate / 2, len(power))
    right.plot(hertz[1:], 10 * np.log10(np.maximum(power[1:], 1e-12)), color=style.COLOURS[0], linewidth=1.2)
    _frequency(right, "log", sound.sample_rate, vertical=False)
    right.set(xlabel="frequency in Hz", ylabel="mean power in dB of full scale")
    right.grid(alpha=0.3)
    drawn.suptitle(sound.name)
    return drawn


def spectrogram(sound: Sound, *, scale: FrequencyScale = "linear") -> Figure:
    """Levels over time and frequency, in dB of a sine of amplitude 1, with a colour bar."""
    drawn = style.figure(3.6)
    axes = drawn.subplots()
    mesh = draw_spectrogram(axes, sound, scale=scale)
    axes.set(
        title=sound.name,
        xlabel="time in s",
        ylabel=f"frequency in Hz{'' if scale == 'linear' else f' ({scale} scale)'}",
    )
    drawn.colorbar(mesh, ax=axes, label="level in dB of full scale")
    return drawn


def draw_spectrogram(
    axes: Axes, sound: Sound, *, scale: FrequencyScale = "linear", loudest: float | None = None
) -> QuadMesh:
    """Draw a spectrogram on axes, from `loudest` (by default its own, in dB) 80 dB down; returns what a bar needs."""
    level = levels(sound.wave)
    top = float(level.max()) if loudest is None else loudest
    length = len(sound.wave) / sound.sample_rate
    times = sound.start + np.linspace(0, length, level.shape[1] + 1)
    half = sound.sample_rate / 2 / (level.shape[0] - 1) / 2
    hertz = np.linspace(-half, sound.sample_rate / 2 + half, level.shape[0] + 1)
    mesh = axes.pcolormesh(
        times, np.maximum(hertz, 1e-3), level, cmap=style.LEVELS, vmin=top - _RANGE, vmax=top, rasterized=True
    )
    _frequency(axes, scale, sound.sample_rate, vertical=True)
    return mesh


def levels(wave: Tensor) -> NDArray[np.float32]:
    """Levels of a waveform [samples] in dB of a sine of amplitude 1, [bins, frames]."""
    decibels: NDArray[np.float32] = 10 * np.log10(np.maximum(_power(wave), 1e-12))
    return decibels


def _power(wave: Tensor) -> NDArray[np.float32]:
    """[samples] -> [bins, frames], 1 where a sine of amplitude 1 stands."""
    window = torch.hann_window(_N_FFT)
    padded = torch.nn.functional.pad(wave, (0, max(0, _N_FFT - len(wave))))
    spectra = torch.stft(padded, _N_FFT, _N_FFT // 4, window=window, pad_mode="constant", return_complex=True)
    power: NDArray[np.float32] = (spectra.abs() * 2 / window.sum()).square().numpy()
    return power


def _envelope(axes: Axes, times: NDArray[np.float64], wave: NDArray[np.float32]) -> None:
    """A waveform; a long one as the lowest and highest value of each stretch, which is what a line would fill."""
    stretch = len(wave) // _POINTS
    if stretch < 2:
        axes.plot(times, wave, color=style.COLOURS[0], linewidth=0.7)
        return
    count = len(wave) // stretch
    parts = wave[: count * stretch].reshape(count, stretch)
    axes.fill_between(
        times[: count * stretch : stretch], parts.min(axis=1), parts.max(axis=1), color=style.COLOURS[0], linewidth=0.4
    )


def _frequency(axes: Axes, scale: FrequencyScale, sample_rate: int, *, vertical: bool) -> None:
    """Scale an axis of frequency, with ticks at round numbers of Hz."""
    lowest = 0.0 if scale != "log" else _LOWEST
    set_scale = axes.set_yscale if vertical else axes.set_xscale
    if scale == "mel":
        set_scale("function", functions=(_mel, _hertz))
    elif scale == "log":
        set_scale("log")
    (axes.set_ylim if vertical else axes.set_xlim)(lowest, sample_rate / 2)
    axis = axes.yaxis if vertical else axes.xaxis
    if scale != "linear":
        round_ones: Sequence[float] = [50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000]
        if scale == "mel":
            round_ones = [0, 500, 1000, 2000, 4000, 8000, 16000]
        axis.set_ticks([tick for tick in round_ones if lowest <= tick <= sample_rate / 2])
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda hertz, _: f"{hertz / 1000:g}k" if hertz >= 1000 else f"{hertz:g}"))


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    """O'Shaughnessy, Speech Communication, 1987, page 150."""
    return 2595 * np.log10(1 + np.maximum(hertz, 0) / 700)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700 * (10 ** (mel / 2595) - 1)
