"""Presets of `genvae train`: a budget, and options that suit it (no torch here)."""

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
        values: of options, by section.
    """

    budget: Budget
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


PRESETS: Mapping[str, Preset] = {
    "quick": Preset(
        Budget(minutes=5),
        {
            "model": {"width": 128},
            "train": {"batch_size": 32, "warmup_steps": 30, "validate_every": 100},
        },
    ),
    "default": Preset(
        Budget(minutes=30),
    ),
    "best": Preset(
        Budget(minutes=120),
    ),
}
