"""What importing a plugin does beside declaring: prints, warnings, a set-up of logging; none of it reaches the user."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field


@dataclass
class Noise:
    """What was noticed.

    Attributes:
        printed: to stdout.
        warned: a line for each warning.
        logging: whether handlers or the level of the root logger were changed.
    """

    printed: str = ""
    warned: list[str] = field(default_factory=list)
    logging: bool = False

    def describe(self) -> str:
        """All of it in a clause, "" for nothing."""
        clauses = []
        if line := " ".join(self.printed.split()):
            clauses.append(f"prints {line[:60]!r}")
        if self.warned:
            more = f" and {len(self.warned) - 1} more" if len(self.warned) > 1 else ""
            clauses.append(f"warns ({self.warned[0]}{more})")
        if self.logging:
            clauses.append("sets up logging")
        return ", ".join(clauses)


@contextmanager
def kept_quiet() -> Iterator[Noise]:
    """Within, prints go to stderr, warnings are kept, and logging is put back afterwards as it was."""
    noise = Noise()
    root = logging.getLogger()
    before = (list(root.handlers), root.level, logging.root.manager.disable)
    output = io.StringIO()
    with warnings.catch_warnings(record=True) as caught:
        try:
            with redirect_stdout(output):
                yield noise
        finally:
            noise.printed = output.getvalue()
            if noise.printed:
                print(noise.printed, end="", file=sys.stderr)
            noise.warned = [" ".join(f"{each.category.__name__}: {each.message}".split()) for each in caught]
            noise.logging = (list(root.handlers), root.level, logging.root.manager.disable) != before
            if noise.logging:
                root.handlers[:], logging.root.manager.disable = before[0], before[2]
                root.setLevel(before[1])
