"""The sounds that commands take: a file of any format, or a genre and a seed such as `techno@42`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from genvae.errors import AudioError, GenvaeError

if TYPE_CHECKING:
    from torch import Tensor

    from genvae.synthesis.synthesizer import Synthesizer

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
    import numpy as np
    import torch

    from genvae.audio.open import open_sound

    try:
        with open_sound(file) as stream:
            rate = stream.sample_rate
            skip, wanted = round(start * rate), round(min(seconds, MOST_SECONDS) * rate)
            blocks, read = [], 0
            for block in stream.blocks(1 << 16):
                read += len(block)
                blocks.append(block.mean(axis=1)[max(0, skip - (read - len(block))) :])
                if read >= skip + wanted:
                    break
    except OSError as error:
        raise AudioError(f"{file}: {error.strerror}.") from error
    except AudioError as error:
        raise AudioError(f"{file}: {error}.") from error
    wave = np.concatenate(blocks)[:wanted] if blocks else np.zeros(0, np.float32)
    if not len(wave):
        raise AudioError(f"{file}: it holds no sound after {start:g} s.")
    if not np.isfinite(wave).all():
        raise AudioError(f"{file}: it holds samples that are not finite numbers.")
    return torch.from_numpy(wave.astype(np.float32)), rate


def read_sound(file: Path, synthesizer: Synthesizer) -> tuple[Tensor, str]:
    """A whole sound file as the run hears it: mono, at its sample rate, [samples]; and how far it fell short.

    Raises:
        AudioError: it can't be read, is empty, or holds samples that are not finite.
    """
    import numpy as np
    import torch

    from genvae.audio.open import open_sound
    from genvae.clips.chop import FULL_SCALE, Chopper

    try:
        with open_sound(file) as stream:
            chopper = Chopper(stream, sample_rate=synthesizer.sample_rate, clip_samples=synthesizer.clip_samples)
            parts = list(chopper)
            samples = round(chopper.frames * synthesizer.sample_rate / stream.sample_rate)
    except OSError as error:
        raise AudioError(f"{file}: {error.strerror}.") from error
    except AudioError as error:
        raise AudioError(f"{file}: {error}.") from error
    if not samples:
        raise AudioError(f"{file}: {chopper.error or 'it holds no sound'}.")
    if not all(part.finite.all() for part in parts):
        raise AudioError(f"{file}: it holds samples that are not finite numbers.")
    pcm = np.concatenate([part.samples.ravel() for part in parts])[:samples]
    return torch.from_numpy(pcm.astype(np.float32) / FULL_SCALE), chopper.shortfall()
