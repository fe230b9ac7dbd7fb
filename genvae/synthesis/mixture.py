"""Genres as people write them: one, or several with what each of them counts, such as `piano:0.6,techno:0.4`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from genvae.errors import OptionError
from genvae.synthesis.renderer import require_genre

Mixture = Mapping[str, float]
"""What each genre counts; the sum may be anything above zero."""


def parse(text: str, genres: Sequence[str]) -> str | Mixture:
    """The genre, or the mixture of genres, that a text means; a genre without a number counts 1.

    >>> parse("piano:0.6,techno:0.4", ["piano", "techno"])
    {'piano': 0.6, 'techno': 0.4}
    >>> parse("piano,techno", ["piano", "techno"]), parse("piano", ["piano", "techno"])
    ({'piano': 1.0, 'techno': 1.0}, 'piano')

    Raises:
        OptionError: the run has no such genre, or a number is none.
    """
    if text in genres or not set(text) & {",", ":"}:
        require_genre(text, genres)
        return text
    mixture: dict[str, float] = {}
    for part in text.split(","):
        name, colon, number = part.rpartition(":")
        genre = (name if colon else part).strip()
        require_genre(genre, genres)
        if genre in mixture:
            raise OptionError(f"The mixture {text!r} names {genre} twice.")
        try:
            mixture[genre] = float(number) if colon else 1.0
        except ValueError:
            raise OptionError(f"In the mixture {text!r}, {number!r} is no number: write {genre}:0.5.") from None
    ranked(mixture, genres)
    return mixture


def ranked(mixture: Mixture, genres: Sequence[str]) -> list[tuple[float, str]]:
    """The genres that count, the strongest first, with their shares of the whole.

    Raises:
        OptionError: the run has no such genre, or a number is negative or not finite, or all are zero.
    """
    for genre, weight in mixture.items():
        require_genre(genre, genres)
        if not (math.isfinite(weight) and weight >= 0):
            raise OptionError(f"{genre} can't count {weight:g} in a mixture: give a number from 0 up.")
    total = sum(mixture.values())
    if not total > 0:
        raise OptionError("In a mixture one genre at least must count more than 0.")
    return sorted(((weight / total, genre) for genre, weight in mixture.items() if weight > 0), reverse=True)
