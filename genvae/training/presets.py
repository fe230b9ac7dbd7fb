"""Presets of `genvae train`: a budget, options that suit it, and a word on what to expect (no torch here)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genvae.training.plan import Budget


@dataclass(frozen=True)
class Preset:
    """A way to train that has a name.

    Attributes:
        budget: how long.
        expect: what to expect of it on two cores.
        values: of options, by section.
    """

    budget: Budget
    expect: str
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


PRESETS: Mapping[str, Preset] = {
    "quick": Preset(
        Budget(minutes=5),
        "5 minutes give each genre's colour and level, enough to hear that all is well: where we measured, two clips "
        "in three were taken for their genre.",
        {
            "model": {"width": 128},
            "train": {"batch_size": 32, "warmup_steps": 30, "validate_every": 100},
        },
    ),
    "default": Preset(
        Budget(minutes=30),
        "30 minutes give some of the movement too: where we measured, four clips in five were taken for their genre. "
        "Longer is better: `preset` best.",
    ),
    "best": Preset(
        Budget(minutes=120),
        "2 hours come near the model that genvae brings, which had three on one core. Ctrl-C leaves a checkpoint, and "
        "`resume` goes on from it.",
    ),
}
