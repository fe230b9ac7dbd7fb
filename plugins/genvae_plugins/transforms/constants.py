"""Keeps what another library's layer can compute again out of checkpoints."""

from __future__ import annotations

from torch import nn


def not_saved(layer: nn.Module) -> nn.Module:
    """The layer, whose buffers are not in its state dict any more; parameters, which are trained, still are."""
    for module in layer.modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            module.register_buffer(name, buffer, persistent=False)
    return layer
