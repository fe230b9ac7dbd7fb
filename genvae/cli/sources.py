"""The sounds that commands take: a file of any format, or a genre and a seed such as `techno@42`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genvae.errors import AudioError, GenvaeError

if TYPE_CHECKING:
    from torch import Tensor

    from genvae.audio.read import Sound
    from genvae.generation import Synthesizer

MOST_SECONDS = 600.0  # of a file that `read_part` takes


def seeded_clip(text: str) -> tuple[str, int] | None:
    """The genre and the seed that `GENRE@SEED` names; None for anything else, and where a file has that name."""
    genre, _, number = text.rpartition("@")
    if genre and re.fullmatch(r"[0-9]{1,19}", number) and int(number) < 2**63 and not Path(text).exists():
        return genre, int(number)
    return None


def sound_file(text: str, genres: Sequence[str]) -> Path:
    """The file that `text` names.

    Raises:
        GenvaeError: there is none; the message says what else could stand there.
    """
    path = Path(text)
    if not path.exists():
        raise GenvaeError(f"{text!r} is neither a sound file nor a genre and a seed such as {genres[0]}@42. "
                          f"Genres: {', '.join(genres)}.")  # fmt: skip
    return path


def read_part(file: Path, start: float, seconds: float) -> tuple[Tensor, int]:
    """A part of a sound file at its own rate, mono: [samples] within ±1, and the rate in Hz.

    Raises:
        AudioError: it can't be read, has nothing there, or holds samples that are not finite.
    """
    import torch

    sound = _read(file, None, start=start, seconds=min(seconds, MOST_SECONDS))
    return torch.from_numpy(sound.wave), sound.sample_rate


def read_sound(file: Path, synthesizer: Synthesizer) -> tuple[Tensor, str]:
    """A whole sound file as the run hears it: mono, at its sample rate, [samples]; and what to be told of it, or "".

    Raises:
        AudioError: it can't be read, is empty, or holds samples that are not finite.
    """
    import torch

    sound = _read(file, synthesizer.sample_rate)
    return torch.from_numpy(sound.wave), "; ".join(filter(None, (sound.shortfall, *sound.remarks)))


def _read(file: Path, sample_rate: int | None, **part: float) -> Sound:
    from genvae.audio.read import read_mono

    try:
        return read_mono(file, sample_rate, **part)
    except OSError as error:
        raise AudioError(f"{file}: {error.strerror}.") from error
    except AudioError as error:
        raise AudioError(f"{file}: {error}.") from error
