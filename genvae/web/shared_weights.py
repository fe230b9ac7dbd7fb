"""One copy of a pipeline's weights for several processes: a safetensors file that each of them maps into its memory.

The file is not the run's own: that may hold half precision, and a model may lay its weights otherwise in memory. What
is computed with is written down as it lies there. Each tensor begins at a multiple of 64 bytes, as in torch's own
memory, since libraries choose their kernels by that, and kernels differ in the last bits of a sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor
from torch.nn import functional

from genvae.files import write_whole
from genvae.pipeline import Pipeline

_ALIGNED = 64  # bytes


def write_shared(pipeline: Pipeline, path: Path) -> None:
    """Write a pipeline's weights as they lie in memory."""
    flat = {}
    for name, tensor, order in _shareable(pipeline):
        values = tensor.detach().permute(order).reshape(-1)
        flat[name] = functional.pad(values, (0, -len(values) % (_ALIGNED // values.element_size())))
    content = save(flat, {"pad": ""})
    header = 8 + int.from_bytes(content[:8], "little")  # behind which the first tensor begins
    write_whole(path, save(flat, {"pad": " " * (-header % _ALIGNED)}))


def use_shared(pipeline: Pipeline, path: Path) -> int:
    """Let a like pipeline compute with the weights of a file, in place of a copy of its own.

    Returns:
        how many bytes it shares.
    """
    mapped, shared = load_file(path), 0
    for name, tensor, order in _shareable(pipeline):
        values = mapped[name][: tensor.numel()].view([tensor.shape[axis] for axis in order])
        back = [order.index(axis) for axis in range(tensor.dim())]
        tensor.data = values.permute(back)
        shared += values.nbytes
    return shared


def _shareable(pipeline: Pipeline) -> Iterator[tuple[str, Tensor, list[int]]]:
    """Each weight that fills its memory, with its axes in the order in which they lie there."""
    for name, tensor in pipeline.state_dict(keep_vars=True).items():
        order = sorted(range(tensor.dim()), key=tensor.stride, reverse=True)
        if isinstance(tensor, torch.Tensor) and tensor.numel() and tensor.permute(order).is_contiguous():
            yield name, tensor, order
