"""What a model must hand to the loop, looked at where it comes in, so that a slip is told with its place and cure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor


def loss_parts(parts: object, method: Callable[..., Any]) -> dict[str, Tensor]:
    """What a model's `loss` or `training_step` has returned.

    Args:
        parts: what it returned.
        method: that returned it.

    Raises:
        TypeError: it is no dict of scalars with `loss` among them.
    """
    who = f"{method.__name__}{_place(method)}"
    if not isinstance(parts, Mapping):
        what = "nothing" if parts is None else f"a {type(parts).__name__}"
        raise TypeError(f"{who} returns {what}, expected the parts of the loss: return {{'loss': ...}}")
    if "loss" not in parts:
        names = ", ".join(map(repr, parts)) or "none"
        raise TypeError(f"{who} gives no part 'loss', which is what is minimised; it gives {names}: name one 'loss'")
    for name, value in parts.items():
        if not isinstance(value, Tensor):
            cure = "use torch's functions" if name == "loss" else f"return torch.tensor({name})"
            raise TypeError(f"{who} gives {name!r} as a {type(value).__name__}, expected a scalar tensor: {cure}")
        if value.numel() != 1:
            raise TypeError(f"{who} gives {name!r} of shape {list(value.shape)}, expected a scalar: take its mean()")
    return dict(parts)


def optimizers_of(optimizers: object, method: Callable[..., Any]) -> list[torch.optim.Optimizer]:
    """What a model's `optimizers` has returned.

    Raises:
        TypeError: it is no list of optimisers.
    """
    who = f"{method.__name__}{_place(method)}"
    if isinstance(optimizers, torch.optim.Optimizer):
        raise TypeError(f"{who} returns one optimiser, expected a list: return [{type(optimizers).__name__}(...)]")
    if not isinstance(optimizers, list | tuple) or not all(
        isinstance(each, torch.optim.Optimizer) for each in optimizers
    ):
        raise TypeError(f"{who} returns a {type(optimizers).__name__}, expected a list of torch.optim optimisers")
    return list(optimizers)


def _place(method: Callable[..., Any]) -> str:
    code = getattr(method, "__code__", None)
    return f" ({code.co_filename}, line {code.co_firstlineno})" if code else ""
