"""The errors that genvae raises for people: one or two lines that say what was wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True)
class Cure:
    """A call of `genvae` that mends an error; each client writes it as its users would type it.

    Attributes:
        verb: a function of `genvae`, such as `prepare`, or of one of its commands, such as `map`.
        fields: its arguments by name; a value in capitals stands for what only the user knows.
    """

    verb: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, verb: str, /, **fields: Any) -> Cure:
        """A call with these arguments.

        >>> print(Cure.of("train", store="STORE", run="my run", resume=True))
        genvae.train(store=STORE, run='my run', resume=True)
        """
        return cls(verb, fields)

    def __str__(self) -> str:
        """The call as Python."""
        arguments = (f"{name}={_literal(value)}" for name, value in self.fields.items())
        return f"genvae.{self.verb}({', '.join(arguments)})"


def _literal(value: Any) -> str:
    if isinstance(value, str) and value.isupper() and value.isidentifier():
        return value
    return repr(value) if isinstance(value, bool | int | float | Mapping) else repr(str(value))


class GenvaeError(Exception):
    """Something that the user can mend.

    Its message names fields as Python has them, in backticks; the command line writes those of its own flags in place
    of them, prints the message alone and exits with a status that is not zero.

    Args:
        message: one sentence or two: what was wrong, and where.
        cure: a call that mends it, if one does.

    Attributes:
        message: without the cure.
        cure: the call.
        exit_code: with which the command line ends over such an error; docs/reliability.md has the table.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str = "", *, cure: Cure | None = None) -> None:
        super().__init__(message)
        self.message, self.cure = message, cure

    def __str__(self) -> str:
        """The message, and behind it the cure as Python."""
        return f"{self.message} Try: {self.cure}" if self.cure else self.message


class OptionError(GenvaeError):
    """An option that does not exist or does not take the value that it was given."""

    exit_code = 2


class PluginError(GenvaeError):
    """A plugin that is missing, broken, unavailable here, or that breaks its contract."""

    exit_code = 6


class SpecMismatch(GenvaeError):
    """Two parts of a pipeline that mean different things by a frame of features."""

    exit_code = 2


class StoreError(GenvaeError):
    """A clip store that is missing, unfinished or damaged."""


class RunError(GenvaeError):
    """A run folder that is missing, unfinished or damaged."""

    exit_code = 4


class ItemError(GenvaeError):
    """An item's source that can't be read."""


class AudioError(ItemError):
    """A sound file that can't be read, or can't be read to its end."""


class MissingError(GenvaeError):
    """Something that is not installed here: an extra of genvae, or a program."""

    exit_code = 6


class ClusterError(GenvaeError):
    """A cluster that can't be reached, is not fit for the work, or was lost over it."""

    exit_code = 6


class DiskError(GenvaeError):
    """A file or folder that can't be written: a full disk, one that fails, or a place that is not ours."""

    exit_code = 7


class PartialError(GenvaeError):
    """Something was lost, and the user has asked that nothing be."""

    exit_code = 5


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence that helps with a mistyped name: the closest known one, else all of them.

    >>> nearest("tehcno", ["piano", "rock", "techno"])
    "Did you mean 'techno'?"
    >>> nearest("polka", ["piano", "rock", "techno"])
    'Known: piano, rock, techno.'
    """
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known: {', '.join(names)}." if names else "There are none."
