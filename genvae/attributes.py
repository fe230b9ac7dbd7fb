"""Attribute: something that a run knows of clips beyond their genre, and the numbers in which a model is told of it.

A model is told of all attributes of a clip in one row of `attribute_dim` numbers. A number takes two of them: its value
in deviations from the mean, and a 1. Words take one each, of which the clip's own are 1. What is not known is all
zeros, so nothing at all is a row of zeros.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genvae.errors import OptionError, nearest

Value = float | str
"""What an attribute can be: a number, a word, or several words with `;` between."""

SEPARATOR = ";"
"""What stands between several words, as in `dark;fast`."""

MOST_WORDS = 256
"""Words that an attribute may have: one with more names recordings, rather than says something of them."""
MOST_ATTRIBUTES = 64
"""Attributes that a run may know."""
_FARTHEST = 4.0  # deviations from the mean that a model is told of at most
_USUAL = (0.005, 0.995)  # of the training clips, between which a run knows a number


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """What a run knows of clips in one respect.

    Attributes:
        name: of it.
        words: that it can be; empty where it is a number.
        several: whether it can be several of the words at once, as tags are.
        unit: of the number, "" for none.
        mean: of the training clips' numbers.
        deviation: of them.
        least: of nearly all of them, the smallest number that can be asked for.
        most: the largest.
    """

    name: str
    words: tuple[str, ...] = ()
    several: bool = False
    unit: str = ""
    mean: float = 0.0
    deviation: float = 1.0
    least: float = 0.0
    most: float = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError for a description that can't be."""
        texts = (self.name, self.unit, *self.words)
        numbers = (self.mean, self.deviation, self.least, self.most)
        if not all(isinstance(text, str) for text in texts) or not self.name or len(self.words) > MOST_WORDS:
            raise ValueError("an attribute is not described")
        if not all(type(number) in (int, float) and math.isfinite(number) for number in numbers):
            raise ValueError(f"the attribute {self.name!r} has numbers that are none")
        if self.deviation <= 0 or self.least > self.most:
            raise ValueError(f"the attribute {self.name!r} has a range that is none")

    @classmethod
    def of(cls, name: str, values: NDArray[np.float32], *, words: Sequence[str] = (), unit: str = "") -> Self:
        """What clips teach of it.

        Args:
            name: of the attribute.
            values: [clips], numbers or places in `words`; NaN where it is not known, which it is of one at least.
            words: that clips have, single words or several.
            unit: of its numbers.
        """
        if words:
            single = sorted({word for text in words for word in words_of(text)})
            return cls(name=name, words=tuple(single), several=any(SEPARATOR in text for text in words))
        known = values[~np.isnan(values)].astype(np.float64)
        least, most = np.quantile(known, _USUAL)
        return cls(
            name=name,
            unit=unit,
            mean=float(known.mean()),
            deviation=float(known.std()) or 1.0,
            least=_rounded(least, math.floor),
            most=_rounded(most, math.ceil),
        )

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """The attribute that `to_json` gave.

        Raises:
            TypeError: a field is missing or has another type.
            ValueError: a field can't be as it is.
        """
        return cls(**{**value, "words": tuple(value.get("words", ()))})

    def to_json(self) -> dict[str, Any]:
        """Its fields as plain values."""
        plain = {**asdict(self), "words": list(self.words)}
        return plain if self.several else {key: value for key, value in plain.items() if key != "several"}

    @property
    def dim(self) -> int:
        """How many numbers tell it to a model."""
        return len(self.words) or 2

    @property
    def known(self) -> str:
        """What can be asked for, in words.

        >>> Attribute(name="tempo", unit="beats a minute", least=62, most=178.5).known
        'from 62 to 178.5 beats a minute'
        >>> Attribute(name="key", words=("C", "D")).known
        'C or D'
        >>> Attribute(name="tags", words=("dark", "fast", "live"), several=True).known
        'any of dark, fast, live'
        """
        if not self.words:
            return f"from {self.least:g} to {self.most:g}{f' {self.unit}' if self.unit else ''}"
        if self.several:
            return f"any of {', '.join(self.words)}"
        *others, last = self.words
        return f"{', '.join(others)} or {last}" if others else last

    def require(self, value: object) -> Value:
        """A value that is asked for, as a number, one of the words, or several in the order of the run.

        >>> Attribute(name="tempo", least=62, most=178).require("128")
        128.0
        >>> Attribute(name="tags", words=("dark", "fast", "live"), several=True).require("live; dark")
        'dark;live'

        Raises:
            OptionError: it is none that the run knows.
        """
        if self.several:
            given = [str(each) for each in value] if isinstance(value, list | tuple) else words_of(str(value))
            unknown = [word for word in given if word not in self.words]
            if unknown or not given:
                raise OptionError(f"{self.name}={''.join(unknown[:1])}: this run knows {self.name} as {self.known}.")
            return SEPARATOR.join(word for word in self.words if word in given)
        if self.words:
            word = value if isinstance(value, str) else f"{value:g}" if type(value) in (int, float) else ""
            if word not in self.words:
                raise OptionError(f"{self.name}={value}: this run knows {self.name} as {self.known}.")
            return word
        try:
            number = float(value) if not isinstance(value, bool) else math.nan  # type: ignore[arg-type]  # or it raises
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not self.least <= number <= self.most:
            raise OptionError(f"{self.name}={value}: this run knows {self.name} {self.known}.")
        return number

    def told(self, values: NDArray[np.float32], texts: Sequence[str] | None = None) -> NDArray[np.float32]:
        """What is known of clips, as a model is told of it.

        Args:
            values: [n], numbers or places in `texts`; NaN where it is not known.
            texts: what clips have in place of numbers, of which words that the run does not know are left out; by
                default the run's own words.

        Returns:
            [n, dim].
        """
        if self.words:
            texts = self.words if texts is None else texts
            rows = np.zeros((len(values), len(self.words)), np.float32)
            for row, place in zip(rows, values.tolist(), strict=True):
                if not math.isnan(place):
                    row[self._places(texts[int(place)])] = 1.0
            return rows
        scaled = np.clip((values - self.mean) / self.deviation, -_FARTHEST, _FARTHEST)
        known = ~np.isnan(values)
        return np.stack([np.where(known, scaled, 0), known], axis=1).astype(np.float32)

    def _places(self, text: str) -> list[int]:
        """Where what a clip has stands in the run's words."""
        own = words_of(text) if self.several else (text,)
        return [self.words.index(word) for word in own if word in self.words]


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, each once, in alphabetical order.

    >>> words_of("fast; dark;fast")
    ('dark', 'fast')
    """
    return tuple(sorted({word.strip() for word in text.split(SEPARATOR)} - {""}))


def attribute_dim(attributes: Sequence[Attribute]) -> int:
    """How many numbers tell a clip's attributes to a model."""
    return sum(each.dim for each in attributes)


def require_all(given: Mapping[str, object], attributes: Sequence[Attribute]) -> dict[str, Value]:
    """Values that are asked for by name, in the order in which a run knows them.

    Raises:
        OptionError: the run knows no such attribute, or not that value.
    """
    known = {each.name: each for each in attributes}
    for name in given:
        if name not in known:
            if not known:
                what = f"{name}={given[name]}: this run knows no attributes"
                raise OptionError(f"{what}. `genvae train --attributes` makes one that does.")
            shown = ", ".join(f"{each.name} ({each.known})" for each in attributes)
            close = nearest(name, known)
            hint = f" {close}" if close.startswith("Did") else ""
            raise OptionError(f"This run knows no attribute {name!r}.{hint} It knows {shown}.")
    return {name: each.require(given[name]) for name, each in known.items() if name in given}


def told(given: Mapping[str, Value], attributes: Sequence[Attribute]) -> NDArray[np.float32]:
    """Values by name as a model is told of them, [1, attribute_dim]."""
    columns = []
    for each in attributes:
        value = given.get(each.name)
        number = math.nan if value is None else 0.0 if isinstance(value, str) else value
        columns.append(each.told(np.array([number], np.float32), [str(value)]))
    return np.concatenate(columns, axis=1)


def _rounded(value: float, way: Any) -> float:
    """A number to three places of its own, downwards or upwards."""
    if value == 0:
        return 0.0
    places = 2 - math.floor(math.log10(abs(value)))
    return float(f"{way(value * 10.0**places) / 10.0**places:.10g}")
