"""What a server's engine computes may be computed in another process: by the same method of an engine like it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from genvae.web.worker import Check

P = ParamSpec("P")
R = TypeVar("R")


class Elsewhere(Protocol):
    """Calls a method of another process' engine."""

    def __call__(
        self, digest: str, method: str, args: Sequence[Any], kwargs: Mapping[str, Any], check: Check | None
    ) -> Any:
        """What the method gives or raises.

        Args:
            digest: of the engine's run.
            method: its name.
            args: what it is called with.
            kwargs: likewise, by name.
            check: raises when nobody waits any more; None where the method looks at none.
        """


def computed(method: Callable[Concatenate[Any, P], R]) -> Callable[Concatenate[Any, P], R]:
    """A method that is called elsewhere where its object says so, by its attributes `digest` and `elsewhere`.

    Arguments and value must be such as can be pickled. One with the keyword `check` is told there, too, when nobody
    waits any more.
    """
    checks = takes_check(method)

    @wraps(method)
    def call(self: Any, *args: P.args, **kwargs: P.kwargs) -> R:
        if self.elsewhere is None:
            return method(self, *args, **kwargs)
        plain: dict[str, Any] = dict(kwargs)
        check = plain.pop("check", None) if checks else None
        return cast(R, self.elsewhere(self.digest, method.__name__, args, plain, check))

    return cast(Callable[Concatenate[Any, P], R], call)


def takes_check(method: Callable[..., Any]) -> bool:
    """Whether a method looks at a check."""
    return "check" in inspect.signature(method).parameters
