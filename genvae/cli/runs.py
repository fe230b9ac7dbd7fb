"""What the commands that make sounds share: the run that is asked for, and names for files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from genvae.cli.assignments import parse_assignments
from genvae.cli.output import is_file
from genvae.errors import GenvaeError
from genvae.text import file_stem

if TYPE_CHECKING:
    from genvae.items import ItemKind
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


def require_kind(output: str, kind: ItemKind, *, aloud: bool = False, candidates: int = 1) -> None:
    """Before anything is made, refuse what a run's items can't be: a file of another format, played, or chosen among.

    Raises:
        GenvaeError: that.
    """
    from genvae.items import Sounds, suffix_of

    if output != "-" and is_file(output):
        suffix_of(Path(output), kind.suffixes, kind.name)
    if not isinstance(kind, Sounds) and (aloud or candidates > 1):
        raise GenvaeError(f"{'--play' if aloud else '--candidates'} is for sounds, and this run makes a {kind.name}.")


def file_name(genre: str, seed: int, index: int, suffix: str = ".wav") -> str:
    """A name such as `techno-s42-000.wav`, fit for any file system."""
    return f"{file_stem(genre)}-s{seed}-{index:03d}{suffix}"
