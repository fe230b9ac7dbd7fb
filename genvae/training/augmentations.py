"""Augmentations: what may be done to training waveforms, each clip drawn for itself, by name (no torch here)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from genvae.errors import nearest


@dataclass(frozen=True)
class Augmentation:
    """How much of one there may be; where least and most are the same, it has no amount.

    Attributes:
        default: amount.
        least: the smallest amount.
        most: the largest.
        unit: of the amount, "" where there is none.
    """

    default: float = 0.0
    least: float = 0.0
    most: float = 0.0
    unit: str = ""


AUGMENTATIONS: Mapping[str, Augmentation] = {
    "gain": Augmentation(6.0, 0.0, 60.0, "dB"),
    "polarity": Augmentation(),
    "roll": Augmentation(1.0, 0.0, 1.0),
    "tilt": Augmentation(1.0, 0.0, 12.0, "dB"),
    "noise": Augmentation(-30.0, -120.0, 0.0, "dB"),
    "mix": Augmentation(-12.0, -120.0, 0.0, "dB"),
}
"""By name; docs/training.md says what each does."""


@dataclass(frozen=True)
class Chosen:
    """An augmentation that a training uses.

    Attributes:
        name: of AUGMENTATIONS.
        amount: within its range.
    """

    name: str
    amount: float


def parse(words: Iterable[str]) -> list[Chosen]:
    """What words such as `gain:3` or `polarity` mean.

    >>> parse(["polarity", "gain:3"])
    [Chosen(name='polarity', amount=0.0), Chosen(name='gain', amount=3.0)]

    Raises:
        ValueError: there is no such augmentation, or the amount is none or out of its range.
    """
    chosen = []
    for word in words:
        name, colon, text = word.partition(":")
        if name not in AUGMENTATIONS:
            raise ValueError(f"there is no augmentation {name!r}. {nearest(name, AUGMENTATIONS)}")
        kind = AUGMENTATIONS[name]
        if not colon:
            chosen.append(Chosen(name, kind.default))
            continue
        try:
            amount = float(text)
        except ValueError:
            amount = math.nan
        if not kind.least <= amount <= kind.most or kind.least == kind.most:
            takes = f"an amount from {kind.least:g} to {kind.most:g} {kind.unit}".rstrip()
            takes = "no amount" if kind.least == kind.most else f"{takes}, such as {name}:{kind.default:g}"
            raise ValueError(f"the augmentation {name!r} takes {takes}, not {text!r}")
        chosen.append(Chosen(name, amount))
    return chosen
