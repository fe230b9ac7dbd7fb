"""What a sound may be given as: a file, samples, or a genre and a seed such as `techno@42`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.errors import AudioError, GenvaeError
from genvae.items import ItemKind, Sounds
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


def file_of(text: str, genres: Sequence[str], what: str = "sound") -> Path:
    """The file that a text names, of a sound or what else is said.

    Raises:
        GenvaeError: there is none; the message says what else could stand there.
    """
    path = Path(text)
    if not path.exists():
        raise GenvaeError(
            f"{text!r} is neither a {what} file nor a genre and a seed such as {genres[0]}@42. "
            f"Genres: {', '.join(genres)}."
        )
    return path


def samples_of(sound: SoundLike, kind: ItemKind) -> Tensor:
    """A sound as samples in mono, float32 [samples], or another item as it is in memory.

    Args:
        sound: a file of any rate, samples at the kind's rate, or a sound that a run has made.
        kind: what is wanted.

    Raises:
        ItemError: a file can't be read, is empty, or holds samples that are not finite.
        GenvaeError: samples that are none, not in one row, or not finite; a made sound of another rate.
    """
    if isinstance(sound, str | Path):
        return torch.from_numpy(kind.decode(Path(sound)))
    if isinstance(sound, Sound):
        rate = kind.sample_rate if isinstance(kind, Sounds) else 0
        if sound.sample_rate != rate:
            raise GenvaeError(f"The sound has {sound.sample_rate} Hz, and this run's have {rate} Hz.")
        return sound.wave
    wave = torch.as_tensor(sound).detach().to("cpu", torch.float32)
    if wrong := kind.check(wave.numpy()):
        raise AudioError(wrong)
    return wave
