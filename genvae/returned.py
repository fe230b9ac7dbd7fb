"""What the parts of a pipeline return, looked at where it comes in: a slip names its plugin, its place and its cure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from genvae.interfaces.model import Posterior
from genvae.plugin.guard import BrokenContract, defined_at, named


def require_tensor(value: object, shape: Sequence[int], method: Callable[..., Any], what: str) -> Tensor:
    """What a method has returned, as a tensor of numbers of that shape.

    Args:
        value: that it returned.
        shape: that is expected.
        method: of the plugin.
        what: the tensor holds, such as `features`.

    Raises:
        BrokenContract: it is something else.
    """
    who = f"{method.__name__}{defined_at(method)}"
    expected = f"expected {what} {list(shape)}"
    if not isinstance(value, Tensor):
        raise BrokenContract(f"{who} returns {named(value)}, {expected}: return a tensor")
    if tuple(value.shape) != tuple(shape):
        raise BrokenContract(f"{who} returns a tensor of shape {list(value.shape)}, {expected}")
    if not value.is_floating_point() or value.dtype == torch.float64:
        dtype = str(value.dtype).removeprefix("torch.")
        raise BrokenContract(f"{who} returns {what} in {dtype}, expected float32: return them as .float()")
    return value


def require_posterior(value: object, rows: int, latent_dim: int, method: Callable[..., Any]) -> Posterior:
    """What a model's `encode` has returned for so many clips.

    Raises:
        BrokenContract: it is no posterior over latents of that dimension.
    """
    if not isinstance(value, Posterior):
        who = f"{method.__name__}{defined_at(method)}"
        cure = "return genvae.Posterior(mean, log_variance)"
        raise BrokenContract(f"{who} returns {named(value)}, expected a posterior: {cure}")
    require_tensor(value.mean, (rows, latent_dim), method, "a posterior with the mean")
    require_tensor(value.log_variance, (rows, latent_dim), method, "a posterior with the log_variance")
    return value
