"""What a sound may be given as: a file, samples, or a genre and a seed such as `techno@42`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.audio.read import read_file
from genvae.errors import AudioError, GenvaeError
from genvae.synthesis.sound import Sound

SoundLike = str | Path | NDArray[Any] | Tensor | Sound
"""A path of a sound file, samples [samples] within ±1 at the run's sample rate, or a sound that a run has made."""


def seed_of(text: str) -> tuple[str, int] | None:
    """The genre and the seed that `GENRE@SEED` names; None for anything else, and where a file has that name.

    >>> seed_of("techno@42")
    ('techno', 42)
    """
    genre, _, number = text.rpartition("@")
    if genre and re.fullmatch(r"[0-9]{1,19}", number) and int(number) < 2**63 and not Path(text).exists():
        return genre, int(number)
    return None


def file_of(text: str, genres: Sequence[str]) -> Path:
    """The sound file that a text names.

    Raises:
        GenvaeError: there is none; the message says what else could stand there.
    """
    path = Path(text)
    if not path.exists():
        raise GenvaeError(
            f"{text!r} is neither a sound file nor a genre and a seed such as {genres[0]}@42. "
            f"Genres: {', '.join(genres)}."
        )
    return path


def samples_of(sound: SoundLike, sample_rate: int) -> Tensor:
    """A sound as samples in mono, float32 [samples].

    Args:
        sound: a file of any rate, samples at `sample_rate`, or a sound that a run has made.
        sample_rate: of the result, in Hz.

    Raises:
        AudioError: a file can't be read, is empty, or holds samples that are not finite.
        GenvaeError: samples that are none, not in one row, or not finite; a made sound of another rate.
    """
    if isinstance(sound, str | Path):
        return torch.from_numpy(read_file(Path(sound), sample_rate).wave)
    if isinstance(sound, Sound):
        if sound.sample_rate != sample_rate:
            raise GenvaeError(f"The sound has {sound.sample_rate} Hz, and this run's have {sample_rate} Hz.")
        return sound.wave
    wave = torch.as_tensor(sound).detach().to("cpu", torch.float32)
    if wave.ndim != 1 or not len(wave):
        raise GenvaeError(f"A sound is samples [samples] in one row, not of shape {list(wave.shape)}.")
    if not torch.isfinite(wave).all():
        raise AudioError("The sound holds samples that are not finite numbers.")
    return wave
