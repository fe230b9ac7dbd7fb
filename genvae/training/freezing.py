"""Training a few networks of a model, while the others stay as they are."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from genvae.errors import OptionError


def learn_only(module: nn.Module, names: Sequence[str]) -> None:
    """Let only the networks of these names learn, such as `decoder`; all of them if there are no names.

    Raises:
        OptionError: a module has no such network with weights.
    """
    if not names:
        return
    networks = {name: child for name, child in module.named_children() if any(True for _ in child.parameters())}
    if unknown := [name for name in names if name not in networks]:
        raise OptionError(
            f"train.only: {type(module).__name__} has no network {unknown[0]!r} that could learn. "
            f"It has: {', '.join(networks) or 'none'}."
        )
    module.requires_grad_(False)
    for name in names:
        networks[name].requires_grad_(True)
