"""Sound files that commands read: a part as it is, or all of it as a run hears it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from genvae.synthesis.synthesizer import Synthesizer

MOST_SECONDS = 600.0  # of a file that `read_part` takes


def read_part(file: Path, start: float, seconds: float) -> tuple[Tensor, int]:
    """A part of a sound file at its own rate, mono: [samples] within ±1, and the rate in Hz.

    Raises:
        AudioError: it can't be read, has nothing there, or holds samples that are not finite.
    """
    import torch

    from genvae.audio.read import read_file

    sound = read_file(file, None, start=start, seconds=min(seconds, MOST_SECONDS))
    return torch.from_numpy(sound.wave), sound.sample_rate


def read_sound(file: Path, synthesizer: Synthesizer) -> tuple[Tensor, str]:
    """A whole sound file as the run hears it: mono, at its sample rate, [samples]; and what to be told of it, or "".

    Of other items what their kind reads.

    Raises:
        ItemError: it can't be read, is empty, or holds samples that are not finite.
    """
    import torch

    from genvae.audio.read import read_file

    if not synthesizer.makes_sounds:
        return torch.from_numpy(synthesizer.kind.decode(file)), ""
    sound = read_file(file, synthesizer.sample_rate)
    return torch.from_numpy(sound.wave), "; ".join(filter(None, (sound.shortfall, *sound.remarks)))
