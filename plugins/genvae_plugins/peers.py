"""Other people's libraries: how they are imported, or why they can't be, without a word to the user's terminal."""

from __future__ import annotations

import importlib
import io
import warnings
from contextlib import redirect_stdout
from types import ModuleType

NNAUDIO = ("nnAudio.features", "nnAudio2.features")
TORCHAUDIO = ("torchaudio.transforms",)


def load(*modules: str) -> ModuleType:
    """Import the first of some modules that can be.

    Raises:
        ImportError: none can, with the reason for each in one line; a library that is built for another torch is one
            that can't be loaded, too.
    """
    reasons = []
    for module in modules:
        try:
            # What they print at import, and what newer Pythons say of their code, is not for genvae's users.
            with redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
                return importlib.import_module(module)
        except (ImportError, OSError, RuntimeError) as error:
            first = (str(error).splitlines() or [""])[0]
            reasons.append(f"{module.partition('.')[0]} does not load ({type(error).__name__}: {first})")
    raise ImportError("; ".join(reasons))


def why_not(*modules: str) -> str | None:
    """Why none of some modules can be imported, in one line, or None when one can.

    It imports them, which takes seconds: that a library is installed does not say that it loads.
    """
    try:
        load(*modules)
    except ImportError as error:
        return str(error)
    return None
