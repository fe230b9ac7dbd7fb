"""Sounds that the checks put in: a tone, noise, a small piece of music, and recordings of them in folders of genres."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.audio import wav
from genvae.interfaces.dataset import Dataset, Recording

GENRES = ("high", "low")
_PITCHES = {"high": (700.0, 900.0, 1100.0), "low": (110.0, 150.0, 210.0)}  # Hz, of each recording
SECONDS = 2.0


def tone(frequency: float, samples: int, rate: int, amplitude: float = 0.3) -> Tensor:
    """A sine, [1, samples]."""
    time = torch.arange(samples, dtype=torch.float64) / rate
    return (amplitude * torch.sin(2 * math.pi * frequency * time)).float()[None]


def noise(rows: int, samples: int, seed: int = 0, amplitude: float = 0.2) -> Tensor:
    """White noise, [rows, samples]."""
    return amplitude * torch.randn(rows, samples, generator=torch.Generator().manual_seed(seed)).clamp(-4, 4)


def music(samples: int, rate: int) -> Tensor:
    """Two tones, a glide and a burst of noise, [1, samples]."""
    time = torch.arange(samples, dtype=torch.float64) / rate
    tones = sum(torch.sin(2 * math.pi * f * time) for f in (220, 554.4))
    glide = torch.sin(2 * math.pi * (300 * time + 600 * time.square()))
    burst = noise(1, samples, amplitude=1.0)[0] * (-((time - 0.3) / 0.02).square()).exp()
    return (0.2 * tones + 0.2 * glide + 0.1 * burst).float()[None]


def peak_frequency(wave: Tensor, rate: int) -> float:
    """The frequency, in Hz, at which the spectrum of a waveform [samples] is largest."""
    spectrum = torch.fft.rfft(wave.double() * torch.hann_window(len(wave), dtype=torch.float64)).abs()
    return int(spectrum.argmax()) * rate / len(wave)


def recording(genre: str, number: int, rate: int) -> NDArray[np.float32]:
    """A tone whose pitch depends on the genre and which fades, with a little noise: [samples]."""
    samples = round(SECONDS * rate)
    fade = np.linspace(1, 0.3, samples)
    sound = tone(_PITCHES[genre][number % 3], samples, rate)[0].numpy() * fade
    hiss = np.random.default_rng(number).standard_normal(samples)
    return (sound + 0.003 * hiss).astype(np.float32)


def write_example(folder: Path, rate: int = 8000) -> Path:
    """Write FOLDER/GENRE/*.wav, three recordings of two seconds in each of two genres; gives FOLDER back."""
    for genre in GENRES:
        (folder / genre).mkdir(parents=True)
        for number in range(3):
            (folder / genre / f"{number}.wav").write_bytes(wav.encode(recording(genre, number, rate), rate))
    return folder


class ExampleDataset(Dataset):
    """The same recordings without files, for the checks of everything but datasets."""

    def recordings(self) -> Iterator[Recording]:
        """Yield three recordings of each genre."""
        for genre in GENRES:
            for number in range(3):
                opens = partial(ExampleStream, genre, number)
                yield Recording(id=f"{genre}/{number}", genre=genre, open=opens, fingerprint="1")


@dataclass
class ExampleStream:
    """One of those recordings, in mono.

    Attributes:
        genre: that it belongs to.
        number: which of its genre.
        sample_rate: in Hz.
        channels: one.
        frames: samples that it has.
    """

    genre: str
    number: int
    sample_rate: int = 8000
    channels: int = 1
    frames: int | None = round(8000 * SECONDS)

    def blocks(self, frames: int) -> Iterator[NDArray[np.float32]]:
        """Yield the samples [n, 1]."""
        sound = recording(self.genre, self.number, self.sample_rate)
        for start in range(0, len(sound), frames):
            yield sound[start : start + frames, None]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """There is nothing to close."""
