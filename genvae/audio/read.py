"""Reads a sound file to mono: the one door for commands, the page and measurements."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genvae.audio.open import open_sound
from genvae.errors import AudioError


@dataclass(frozen=True)
class Sound:
    """A sound in mono.

    Attributes:
        wave: float32 [samples] within ±1.
        sample_rate: in Hz.
        shortfall: what is missing in it, and why; empty if nothing is.
    """

    wave: NDArray[np.float32]
    sample_rate: int
    shortfall: str


def read_mono(path: Path, sample_rate: int) -> Sound:
    """Read a sound file."""
    from genvae.clips.chop import FULL_SCALE, Chopper

    try:
        with open_sound(path) as stream:
            chopper = Chopper(stream, sample_rate=sample_rate, clip_samples=sample_rate)
            parts = list(chopper)
            samples = round(chopper.frames * sample_rate / stream.sample_rate)
    except OSError as error:
        raise AudioError(f"{path}: {error.strerror}.") from error
    except AudioError as error:
        raise AudioError(f"{path}: {error}.") from error
    if not samples:
        raise AudioError(f"{path}: {chopper.error or 'it holds no sound'}.")
    if not all(part.finite.all() for part in parts):
        raise AudioError(f"{path}: it holds samples that are not finite numbers.")
    pcm = np.concatenate([part.samples.ravel() for part in parts])[:samples]
    return Sound(pcm.astype(np.float32) / np.float32(FULL_SCALE), sample_rate, chopper.shortfall())
