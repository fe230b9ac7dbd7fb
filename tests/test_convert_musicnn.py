"""The tool that brings the tagger's weights over: it reads a checkpoint as its format is described."""

from __future__ import annotations

import struct
from itertools import pairwise, takewhile

import numpy as np
import pytest
from numpy.typing import NDArray

import convert_musicnn
from genvae_plugins.embedders.musicnn import TaggerNetwork


def number(value: int) -> bytes:
    """A number as the format writes it: seven bits a byte, the lowest first, the highest bit where more follows."""
    low, high = value & 127, value >> 7
    return bytes([low | 128]) + number(high) if high else bytes([low])


def block(pairs: list[tuple[bytes, bytes]]) -> bytes:
    made = b""
    for (before, _), (name, value) in pairwise([(b"", b""), *pairs]):
        shared = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(before, name, strict=False))))
        made += number(shared) + number(len(name) - shared) + number(len(value)) + name[shared:] + value
    return made + struct.pack("<II", 0, 1)


def checkpoint(tensors: dict[str, NDArray[np.float32]], kind: int = 1) -> tuple[bytes, bytes]:
    """An index and its data."""
    data, said = b"", [(b"", b"\x08\x01")]
    for name, tensor in sorted(tensors.items()):
        shape = b"".join(b"\x12" + number(len(axis)) + axis for axis in (b"\x08" + number(n) for n in tensor.shape))
        entry = b"\x08" + number(kind) + b"\x12" + number(len(shape)) + shape + b"\x20" + number(len(data))
        said.append((name.encode(), entry + b"\x28" + number(tensor.nbytes) + b"\x35" + b"\0\0\0\0"))
        data += tensor.tobytes()
    first = block(said)
    handle = number(0) + number(len(first))
    second = block([(b"z", handle)])
    place = len(first) + 5  # each block is followed by how it is compressed and a checksum
    footer = number(0) + number(0) + number(place) + number(len(second))
    return first + b"\0" * 5 + second + b"\0" * 5 + footer.ljust(40, b"\0") + b"\0" * 8, data


def test_tensors_come_back_with_their_names_and_shapes() -> None:
    tensors = {
        "conv2d/bias": np.arange(300, dtype=np.float32),
        "conv2d/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "one": np.float32([7.0]).reshape(()),
    }
    found = convert_musicnn.tensors(*checkpoint(tensors | {"one/Adam_1": np.zeros(3, np.float32)}))
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert np.array_equal(found[name], tensor)
        assert found[name].shape == tensor.shape


def test_what_is_no_32_bit_float_is_left_out() -> None:
    assert convert_musicnn.tensors(*checkpoint({"step": np.zeros(2, np.float32)}, kind=9)) == {}


def test_a_compressed_checkpoint_is_refused() -> None:
    index, data = checkpoint({"one": np.zeros(1, np.float32)})
    footer = index.rfind(b"\0" * 5, 0, len(index) - 48)
    with pytest.raises(SystemExit, match="compressed"):
        convert_musicnn.tensors(index[:footer] + b"\1" + index[footer + 1 :], data)


def test_each_weight_has_a_name_of_its_own_in_the_checkpoint() -> None:
    network = TaggerNetwork()
    found = convert_musicnn.theirs(network)
    assert found.keys() == {name for name in network.state_dict() if not name.endswith("num_batches_tracked")}
    assert len(set(found.values())) == len(found)
    assert found["timbres.1.weight"] == "conv2d_1/kernel"
    assert found["middle.2.bias"] == "conv2d_7/bias"
    assert found["tags.bias"] == "dense_1/bias"
    assert found["enter.weight"] == "batch_normalization/gamma"
    assert found["narrow_normed.running_var"] == "batch_normalization_10/moving_variance"
