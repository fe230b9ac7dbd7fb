"""What the annotation of an option may say beside its type: its meaning and range, or that it names a file."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_REFERENCE = re.compile(r"[^/\\]+#[0-9a-f]{16}")


@dataclass(frozen=True)
class Option:
    """What an option means and which values it takes, as in `width: Annotated[int, Option("channels", least=1)] = 64`.

    The bounds hold for each number of a tuple; None is always within them.

    Attributes:
        meaning: in a few words, for `genvae plugins show`.
        least: the smallest value.
        most: the largest.
        above: a value that all must exceed.
        below: a value that none may reach.
    """

    meaning: str
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None

    def holds(self, value: object) -> bool:
        """Whether a value lies within the bounds; what is no number does."""
        if isinstance(value, tuple):
            return all(map(self.holds, value))
        if isinstance(value, bool) or not isinstance(value, int | float):
            return True
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )

    @property
    def bounds(self) -> str:
        """The bounds in words, "" for none.

        >>> Option("share", least=0, below=1).bounds
        'at least 0 and below 1'
        >>> Option("channels", least=1, most=64).bounds
        'from 1 to 64'
        """
        if self.least is not None and self.most is not None and self.above is None and self.below is None:
            return f"from {self.least} to {self.most}"
        limits = (("at least", self.least), ("above", self.above), ("at most", self.most), ("below", self.below))
        return " and ".join(f"{word} {bound}" for word, bound in limits if bound is not None)


class Asset(str):
    """An option's value that is a file: read when a pipeline is made, after which the pipeline's state holds it.

    As text it is the file's name and a digest of its content, which is what a run says of it.

    Attributes:
        path: where it lies while a pipeline is made; None in a run, whose state replaces what a constructor would read.
    """

    path: Path | None = None

    @classmethod
    def of(cls, path: Path) -> Self:
        """A file that is there now.

        Raises:
            OSError: it can't be read.
        """
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
        asset = cls(f"{path.name}#{digest}")
        asset.path = path.absolute()
        return asset

    @staticmethod
    def is_reference(text: str) -> bool:
        """Whether a text is what a run says of a file, rather than the path of one."""
        return _REFERENCE.fullmatch(text) is not None
