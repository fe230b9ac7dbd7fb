"""The errors that genvae raises for people: one or two lines that say what was wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GenvaeError(Exception):
    """Something that the user can mend; the command line prints its message alone and exits with status 1."""


class OptionError(GenvaeError):
    """An option that does not exist or does not take the value that it was given."""


class PluginError(GenvaeError):
    """A plugin that is missing, broken, unavailable here, or that breaks its contract."""


class SpecMismatch(GenvaeError):
    """Two parts of a pipeline that mean different things by a frame of features."""


class StoreError(GenvaeError):
    """A clip store that is missing, unfinished or damaged."""


class RunError(GenvaeError):
    """A run folder that is missing, unfinished or damaged."""


class AudioError(GenvaeError):
    """A sound file that can't be read, or can't be read to its end."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence that helps with a mistyped name: the closest known one, else all of them."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known: {', '.join(names)}." if names else "There are none."
