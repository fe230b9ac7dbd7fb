"""What the commands that make sounds share: the run that is asked for, and names for files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from genvae.cli.assignments import parse_assignments
from genvae.text import file_stem

if TYPE_CHECKING:
    from genvae.synthesis.synthesizer import Synthesizer


def load_run(path: Path | None, vocoder: str | None, assignments: Iterable[str]) -> Synthesizer:
    """A run ready to generate, by default the pretrained one, with the vocoder and its options that were asked for.

    Raises:
        OptionError: a wrong option.
        PluginError: there is no such vocoder.
        RunError: the run is unfinished or damaged.
    """
    from genvae.verbs import load

    return load(path, vocoder=vocoder, options=parse_assignments(assignments, example="vocoder.iterations=64"))


def file_name(genre: str, seed: int, index: int, suffix: str = ".wav") -> str:
    """A name such as `techno-s42-000.wav`, fit for any file system."""
    return f"{file_stem(genre)}-s{seed}-{index:03d}{suffix}"
