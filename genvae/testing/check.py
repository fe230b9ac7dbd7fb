"""What a check is: a function over a subject, with a name, the kinds that it concerns, and a page to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from genvae.plugin.declarations import KINDS
from genvae.testing.subject import Subject


@dataclass(frozen=True)
class Check:
    """A promise of a kind of plugin. Its function raises CheckFailure where the promise isn't kept.

    Attributes:
        name: what authors write in `expected_failures`.
        about: what is asked, in a line.
        function: raises CheckFailure where the promise isn't kept.
        light: whether it says something of the declaration alone, and so also of a plugin that can't run on this
            machine.
    """

    name: str
    about: str
    function: Callable[[Subject], None]
    light: bool = False

    def read(self, kind: str) -> str:
        """Where the promise is explained."""
        return f"docs/plugins/{kind}s.md, {self.name}" if kind in KINDS else "docs/plugins/README.md"


def check(function: Callable[[Subject], None]) -> Check:
    """Make a check of a function: its name gives the name, the first line of its docstring what is asked."""
    about = (function.__doc__ or "").strip().splitlines()[0]
    return Check(function.__name__.replace("_", "-"), about, function)


def light(function: Callable[[Subject], None]) -> Check:
    """As `check`, for one that looks at the declaration alone."""
    base = check(function)
    return Check(base.name, base.about, function, light=True)


def checks_in(module: ModuleType) -> list[Check]:
    """The checks of a module, in their order there."""
    return [value for value in vars(module).values() if isinstance(value, Check)]
