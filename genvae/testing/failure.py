"""CheckFailure, and the few ways in which checks compare things."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor


class CheckFailure(AssertionError):
    """A plugin does not do what its kind must do.

    expected: what it must do. actual: what it did. read: where the contract stands, a page of docs/ and its heading.
    """

    def __init__(self, expected: str, actual: str, read: str = "") -> None:
        super().__init__(expected, actual, read)
        self.expected, self.actual, self.read = expected, actual, read

    def __str__(self) -> str:
        lines = [f"expected {self.expected}", f"actual   {self.actual}"]
        return "\n".join([*lines, f"read     {self.read}"] if self.read else lines)


def expect(true: bool, expected: str, actual: str) -> None:
    """Raise CheckFailure unless the first argument holds."""
    if not true:
        raise CheckFailure(expected, actual)


def expect_shape(tensor: object, shape: Sequence[int], what: str) -> Tensor:
    """Check that something is a tensor of that shape with finite values, and give it back."""
    shown = list(shape)
    if not isinstance(tensor, Tensor):
        raise CheckFailure(f"{what} to be a tensor of shape {shown}", f"{type(tensor).__name__}")
    expect(list(tensor.shape) == shown, f"{what} of shape {shown}", f"shape {list(tensor.shape)}")
    bad = int((~torch.isfinite(tensor)).sum())
    expect(bad == 0, f"{what} with finite values", f"{bad} of {tensor.numel()} are NaN or infinite")
    return tensor


def expect_close(one: Tensor, other: Tensor, tolerance: float, expected: str, *, scale: float | None = None) -> None:
    """Check that two tensors differ nowhere by more than `tolerance` times `scale`, by default the largest value."""
    expect(one.shape == other.shape, expected, f"shapes {list(one.shape)} and {list(other.shape)}")
    if not one.numel():
        return
    size = max(float(other.abs().max()), 1e-12) if scale is None else scale
    apart = float((one.double() - other.double()).abs().max())
    expect(apart <= tolerance * size, expected, f"a difference of {apart:.2g} where values reach {size:.2g}")


@contextmanager
def unchanged() -> Iterator[None]:
    """Within, torch's settings may not be changed for good; they are put back in any case.

    Raises:
        CheckFailure: they were, naming which.
    """
    before = _settings()
    error: Exception | None = None
    try:
        yield
    except Exception as raised:  # which may come of the change
        error = raised
        raise
    finally:
        after = _settings()
        changed = [f"{name} is {after[name]}, was {before[name]}" for name in before if after[name] != before[name]]
        if changed:
            torch.set_default_dtype(before["default dtype"])
            torch.set_grad_enabled(before["grad enabled"])
            torch.use_deterministic_algorithms(before["deterministic algorithms"])
            torch.set_default_device(before["default device"])
            raise CheckFailure(
                "torch's settings as they were, which everything else relies on", "; ".join(changed)
            ) from error


def _settings() -> dict[str, Any]:
    return {
        "default dtype": torch.get_default_dtype(),
        "grad enabled": torch.is_grad_enabled(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "default device": torch.get_default_device(),
    }


def seeded(seed: int = 0) -> torch.Generator:
    """A generator of that seed."""
    return torch.Generator().manual_seed(seed)
