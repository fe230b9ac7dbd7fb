"""A bound on the tensors that building modules may make, as descriptions of modules may come from anywhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_SIZED = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn)


class AllocationBound(TorchFunctionMode):
    """Within the block, tensors of more than so many bytes altogether are refused.

    What is made from its size alone, as weights are, is counted before it is made, the results of other functions
    after. What is freed is not taken off: parts are built once.

    Args:
        most: bytes.
        refusal: gives what to raise.
    """

    def __init__(self, most: int, refusal: Callable[[], Exception]) -> None:
        super().__init__()
        self._left, self._refusal = most, refusal

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _SIZED:
            size = kwargs.get("size", args[0] if args and not isinstance(args[0], int) else args)
            kind = kwargs.get("dtype") or torch.get_default_dtype()
            self._take(math.prod(map(int, size)) * kind.itemsize)
            return func(*args, **kwargs)
        if func is torch.arange:
            self._take(8 * int(max(abs(n) for n in (*args, *kwargs.values()) if isinstance(n, int | float))))
        result = func(*args, **kwargs)
        if isinstance(result, Tensor) and not any(isinstance(each, Tensor) for each in args):
            self._take(result.untyped_storage().nbytes())
        elif isinstance(result, Tensor) and result._base is None and result is not args[0]:
            self._take(result.numel() * result.element_size())
        return result

    def _take(self, size: int) -> None:
        self._left -= max(size, 0)
        if self._left < 0:
            raise self._refusal()
