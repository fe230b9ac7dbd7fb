"""The suites of the benchmark: a module each, with a function `cases` that says what is measured against what."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from genvae.bench.contest import Case
from genvae.bench.harness import Conditions
from genvae.bench.sounds import Sounds
from genvae.plugin.registry import Registry

SUITES = {
    "startup": "How soon a command answers in a new process.",
    "decode": "From sound files to samples.",
    "prepare": "From sound files to checked and stored clips, and to log magnitudes.",
    "stft": "From waveforms to features, with every installed front end.",
    "vocoders": "From spectrograms to waveforms: quality and speed of every installed vocoder.",
    "train": "A training step of every installed model.",
    "generate": "A clip of a run, and each of its parts.",
    "map": "From latents to points on a map.",
    "serve": "The server under load, and the page in a browser.",
}
"""Every suite, in the order in which they run."""
QUICK = "quick"
"""The suite that takes something of most others, and is run alone."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a suite may draw on.

    Attributes:
        conditions: under which it is measured.
        registry: what plugins there are.
        sounds: to measure with.
        thorough: whether to take more lengths, batches and options.
        scratch: an empty folder for files.
        run: to generate with; None for the pretrained one.
    """

    conditions: Conditions
    registry: Registry
    sounds: Sounds
    thorough: bool
    scratch: Path
    run: Path | None = None


def cases(suite: str, context: Context) -> Iterator[Case]:
    """The cases of a suite, each built when it is asked for."""
    module = importlib.import_module(f"genvae.bench.suites.{suite}")
    suite_cases: Iterator[Case] = module.cases(context)
    return suite_cases
