"""Safetensors files of named tensors, or of a tree of tensors and plain values, written whole; nothing is pickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from genvae.errors import RunError
from genvae.files import write_whole


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write tensors as one safetensors file, whole; tied weights are stored once for each name."""
    plain = {name: tensor.detach().to("cpu").contiguous().clone() for name, tensor in tensors.items()}
    write_whole(path, save(plain, dict(metadata) if metadata else None))


def save_tree(path: Path, tree: Any) -> None:
    """Write nested dicts, lists and tuples of tensors and plain values as one safetensors file, whole."""
    plain, tensors = packed(tree)
    save_tensors(path, tensors, {"tree": plain})


def packed(tree: Any) -> tuple[str, dict[str, Tensor]]:
    """Nested dicts, lists and tuples of tensors and plain values as JSON, and the tensors that it names.

    Raises:
        TypeError: something in it is neither a tensor nor plain.
    """
    tensors: dict[str, Tensor] = {}

    def pack(value: Any) -> Any:
        if isinstance(value, Tensor):
            name = str(len(tensors))
            tensors[name] = value
            return {"tensor": name}
        if isinstance(value, Mapping):  # as pairs, because keys may be numbers, which JSON objects can't have
            return {"dict": [[pack(key), pack(item)] for key, item in value.items()]}
        if isinstance(value, list | tuple):
            return {type(value).__name__: [pack(item) for item in value]}
        return value

    return json.dumps(pack(tree)), tensors


def load_tree(path: Path) -> Any:
    """Read what `save_tree` wrote.

    Raises:
        RunError: the file is missing or damaged.
    """

    def unpack(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        [(kind, content)] = value.items()
        if kind == "tensor":
            return tensors[content]
        if kind == "dict":
            return {unpack(key): unpack(item) for key, item in content}
        items = [unpack(item) for item in content]
        return tuple(items) if kind == "tuple" else items

    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
            return unpack(json.loads(file.metadata()["tree"]))
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{path} is damaged: {error}") from error
