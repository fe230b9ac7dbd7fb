"""What a model must hand to the loop, looked at where it comes in, so that a slip is told with its place and cure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from genvae.plugin.guard import BrokenContract, defined_at, named


def loss_parts(parts: object, method: Callable[..., Any]) -> dict[str, Tensor]:
    """What a model's `loss` or `training_step` has returned.

    Args:
        parts: what it returned.
        method: that returned it.

    Raises:
        BrokenContract: it is no dict of scalars with `loss` among them.
    """
    who = f"{method.__name__}{defined_at(method)}"
    if not isinstance(parts, Mapping):
        raise BrokenContract(f"{who} returns {named(parts)}, expected the parts of the loss: return {{'loss': ...}}")
    if "loss" not in parts:
        names = ", ".join(map(repr, parts)) or "none"
        raise BrokenContract(
            f"{who} gives no part 'loss', which is what is minimised; it gives {names}: name one 'loss'"
        )
    for name, value in parts.items():
        if not isinstance(value, Tensor):
            cure = "use torch's functions" if name == "loss" else f"return torch.tensor({name})"
            raise BrokenContract(f"{who} gives {name!r} as {named(value)}, expected a scalar tensor: {cure}")
        if value.numel() != 1:
            what = f"{name!r} of shape {list(value.shape)}"
            raise BrokenContract(f"{who} gives {what}, expected a scalar: take its mean()")
        if value.is_complex():
            raise BrokenContract(f"{who} gives {name!r} as a complex number, expected a real one: take its abs()")
    return dict(parts)


def optimizers_of(optimizers: object, method: Callable[..., Any]) -> list[torch.optim.Optimizer]:
    """What a model's `optimizers` has returned.

    Raises:
        BrokenContract: it is no list of optimisers.
    """
    who = f"{method.__name__}{defined_at(method)}"
    if isinstance(optimizers, torch.optim.Optimizer):
        cure = f"return [{type(optimizers).__name__}(...)]"
        raise BrokenContract(f"{who} returns one optimiser, expected a list: {cure}")
    if not isinstance(optimizers, list | tuple):
        raise BrokenContract(f"{who} returns {named(optimizers)}, expected a list of torch.optim optimisers")
    if not optimizers:
        raise BrokenContract(f"{who} returns an empty list, expected an optimiser of the weights that are to learn")
    for each in optimizers:
        if not isinstance(each, torch.optim.Optimizer):
            raise BrokenContract(f"{who} returns a list with {named(each)}, expected torch.optim optimisers alone")
    return list(optimizers)
