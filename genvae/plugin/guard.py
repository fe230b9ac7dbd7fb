"""Stands between a plugin's mistakes and the user: one line with its name, or under GENVAE_STRICT=1 the traceback."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from genvae.errors import GenvaeError, PluginError


def strict() -> bool:
    """Whether GENVAE_STRICT=1 asks for a plugin's mistake to end the program, traceback and all."""
    return os.environ.get("GENVAE_STRICT", "") not in ("", "0")


def one_line(error: BaseException) -> str:
    """An error as `Type: message`, in one line."""
    return " ".join(f"{type(error).__name__}: {error}".rstrip(": ").split())


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Run code of a plugin; `what` begins the sentence, such as "The vocoder 'mine' of acme failed".

    Raises:
        PluginError: the code raised anything that is not meant for people. With GENVAE_STRICT=1 it is left as it is.
    """
    try:
        yield
    except GenvaeError:
        raise
    except (Exception, SystemExit) as error:  # whatever a stranger's code raises
        if strict() and not isinstance(error, SystemExit):
            error.add_note(f"{what}.")
            raise
        raise PluginError(f"{what}: {one_line(error)}. GENVAE_STRICT=1 shows where.") from error
