"""Writes the weights of the `musicnn` embedder from the package that publishes them, in half precision.

    pip download --no-deps musicnn==0.1.0
    python tools/convert_musicnn.py musicnn-0.1.0-py3-none-any.whl

The package's own code needs TensorFlow, its weights don't: a checkpoint is a sorted table of names, each with a
tensor's shape and place in a file of plain numbers.
"""

from __future__ import annotations

import struct
import sys
import zipfile
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from genvae.tensor_files import save_tensors
from genvae_plugins.embedders.musicnn import VERSION, WEIGHTS, TaggerNetwork

FOLDER = "musicnn/MTT_musicnn/"
FLOAT = 1  # the number of 32-bit floats among the table's types
FOOTER = 48  # bytes
_LAYER = {"weight": "kernel", "bias": "bias"}
_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
KINDS = {  # of layers there: which those are here, and what a weight of ours is called
    "conv2d": ((nn.Conv1d, nn.Conv2d), _LAYER),
    "dense": ((nn.Linear,), _LAYER),
    "batch_normalization": ((nn.BatchNorm1d, nn.BatchNorm2d), _NORM),
}
LENGTH, BYTES = 2, {1: 8, 5: 4}  # a protocol buffer's kinds of fields: with a length, and of so many bytes


def main() -> None:
    """Write the weights into the package."""
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        found = tensors(wheel.read(FOLDER + ".index"), wheel.read(FOLDER + ".data-00000-of-00001"))
    network = TaggerNetwork()
    state = network.state_dict()
    for ours, name in theirs(network).items():
        state[ours] = fitted(torch.from_numpy(found[name].copy()), state[ours])
    network.load_state_dict(state)
    network.half()  # which leaves whole numbers alone
    save_tensors(WEIGHTS, network.state_dict(), {"version": VERSION})
    print(f"{WEIGHTS}: {WEIGHTS.stat().st_size / 1e6:.2f} MB")


def theirs(network: nn.Module) -> dict[str, str]:
    """What each weight of ours is called in the checkpoint, which numbers the layers of a kind as they were made."""
    names = {}
    for kind, (types, weights) in KINDS.items():
        layers = [name for name, layer in network.named_modules() if isinstance(layer, types)]
        for index, layer in enumerate(layers):
            their_layer = f"{kind}_{index}" if index else kind
            names |= {f"{layer}.{ours}": f"{their_layer}/{name}" for ours, name in weights.items()}
    return names


def fitted(value: Tensor, like: Tensor) -> Tensor:
    """A weight with its axes in our order: theirs end with what goes in and what comes out."""
    if value.shape == like.shape:
        return value
    if value.ndim == 2:
        return value.T
    value = value.permute(3, 2, 0, 1)  # [out, in, height, width]
    # the layers in the middle span all channels as if these were the width of a picture
    return value if like.ndim == 4 else value[:, 0].mT


def tensors(index: bytes, data: bytes) -> dict[str, NDArray[np.float32]]:
    """The 32-bit floats of a checkpoint, by name, but for what its optimizer noted."""
    place = 0
    footer = index[-FOOTER:]
    handle = []
    for _ in range(4):  # offset and size of a table that nobody needs, then of that of the blocks
        value, place = varint(footer, place)
        handle.append(value)
    found = {}
    for _, where in entries(index, handle[2], handle[3]):
        offset, place = varint(where, 0)
        size, _ = varint(where, place)
        for name, said in entries(index, offset, size):
            told = dict(fields(said))
            if not name or told[1] != FLOAT or b"/Adam" in name:
                continue
            shape = [dict(fields(axis)).get(1, 0) for number, axis in fields(told.get(2, b"")) if number == 2]
            found[name.decode()] = np.frombuffer(data, "<f4", told[5] // 4, told.get(4, 0)).reshape(shape)
    return found


def entries(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Names and values of a block, whose names leave out what they share with the one before."""
    if table[offset + size]:
        raise SystemExit("This checkpoint is compressed, which the one of musicnn 0.1.0 is not.")
    block = table[offset : offset + size]
    (restarts,) = struct.unpack("<I", block[-4:])
    place, name = 0, b""
    while place < len(block) - 4 * (restarts + 1):
        shared, place = varint(block, place)
        rest, place = varint(block, place)
        length, place = varint(block, place)
        name = name[:shared] + block[place : place + rest]
        place += rest
        yield name, block[place : place + length]
        place += length


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a protocol buffer's fields."""
    place = 0
    while place < len(message):
        tag, place = varint(message, place)
        if tag & 7 == 0:
            value, place = varint(message, place)
            yield tag >> 3, value
            continue
        if tag & 7 == LENGTH:
            length, place = varint(message, place)
        else:
            length = BYTES[tag & 7]
        yield tag >> 3, message[place : place + length]
        place += length


def varint(data: bytes, place: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and the place after it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place


if __name__ == "__main__":
    main()
