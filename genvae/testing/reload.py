"""State through a file, as a run keeps it."""

from __future__ import annotations

from typing import TypeVar

from safetensors.torch import load, save
from torch import nn

from genvae.testing.failure import CheckFailure

AnyModule = TypeVar("AnyModule", bound=nn.Module)


def reloaded(part: AnyModule, fresh: AnyModule) -> AnyModule:
    """Carry the state of a part into a new one through the bytes of a safetensors file.

    Raises:
        CheckFailure: the new one does not take it.
    """
    state = load(save({name: tensor.detach().contiguous().clone() for name, tensor in part.state_dict().items()}))
    try:
        fresh.load_state_dict(state)
    except RuntimeError as error:
        raise CheckFailure(
            "a new instance to take the state of another", str(error).splitlines()[-1].strip()
        ) from error
    return fresh
