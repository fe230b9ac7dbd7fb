"""Stands between a plugin's mistakes and the user: one line with its name and place, or under GENVAE_STRICT=1 all."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from genvae.errors import GenvaeError, PluginError


def strict() -> bool:
    """Whether GENVAE_STRICT=1 asks for a plugin's mistake to end the program, traceback and all."""
    return os.environ.get("GENVAE_STRICT", "") not in ("", "0")


class BrokenContract(TypeError):
    """What a plugin gives is not what its contract says; the message has the method, its place and a cure."""


def one_line(error: BaseException) -> str:
    """An error as `Type: message`, in one line."""
    if isinstance(error, BrokenContract):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".rstrip(": ").split())


def defined_at(method: Callable[..., Any]) -> str:
    """Where a method stands, ` (file.py, line 12)`; "" where that is not known."""
    code = getattr(method, "__code__", None)
    return f" ({_short(code.co_filename)}, line {code.co_firstlineno})" if code else ""


def place(error: BaseException, module: str) -> str:
    """Where in a plugin an error was raised: ` (file.py, line 12)`, or "" if no line of its package took part.

    Args:
        error: that was caught.
        module: any of the plugin's package.
    """
    if isinstance(error, BrokenContract):  # which says it
        return ""
    package, location = module.partition(".")[0], ""
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        if package and str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            location = f" ({_short(frame.f_code.co_filename)}, line {trace.tb_lineno})"  # the innermost one is kept
        trace = trace.tb_next
    return location


def named(value: object) -> str:
    """What something is, for a sentence.

    >>> named(None), named({}), named(0.5)
    ('nothing', 'a dict', 'a float')
    """
    if value is None:
        return "nothing"
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiouAEIOU' else 'a'} {kind}"


@contextmanager
def guarded(what: str, module: str = "") -> Iterator[None]:
    """Run code of a plugin; `what` begins the sentence, such as "The vocoder 'mine' of acme failed".

    What the code prints goes to stderr, as stdout carries data.

    Args:
        what: the sentence's beginning.
        module: of the plugin's package, to say which line of it failed.

    Raises:
        PluginError: the code raised anything that is not meant for people. With GENVAE_STRICT=1 it is left as it is.
    """
    try:
        with stdout_for_data():
            yield
    except GenvaeError:
        raise
    except (Exception, SystemExit) as error:  # whatever a stranger's code raises
        if strict() and not isinstance(error, SystemExit):
            error.add_note(f"{what}.")
            raise
        raise PluginError(f"{what}: {one_line(error)}{place(error, module)}. GENVAE_STRICT=1 shows more.") from error


_LOCK = threading.Lock()
_here = threading.local()  # its `blocks` is how many of this thread's blocks keep stdout free
_inside = 0  # and of all threads
_data: TextIO = sys.stdout  # what stdout was before the first of them


class _Divided:
    """Stands for stdout: stderr for threads that run a plugin's code, and what stdout was for all others."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr if getattr(_here, "blocks", 0) else _data, name)


@contextmanager
def stdout_for_data() -> Iterator[None]:
    """Within, what this thread prints goes to stderr; blocks may be nested, and overlap in several threads."""
    global _inside, _data
    with _LOCK:
        if _inside == 0:
            _data, sys.stdout = sys.stdout, _Divided()  # as good as one, by its attributes
        _inside += 1
    _here.blocks = getattr(_here, "blocks", 0) + 1
    try:
        yield
    finally:
        _here.blocks -= 1
        with _LOCK:
            _inside -= 1
            if _inside == 0:
                sys.stdout = _data


def _short(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else file
