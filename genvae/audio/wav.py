"""16-bit wav files with text inside (RIFF INFO): the same sound and text are always the same bytes.

libsndfile adds its own name and version to the text that it writes, so the few chunks are written here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from genvae.errors import AudioError

_MAX_CHUNKS = 1000
_MAX_INFO = 1 << 20  # bytes; a file of unknown origin may claim any size


def encode(wave: NDArray[np.float32], sample_rate: int, info: Mapping[str, str] | None = None) -> bytes:
    """A mono wav file.

    Args:
        wave: [samples], full scale at ±1.
        sample_rate: in Hz.
        info: ASCII texts by their RIFF names of four letters, such as `ICMT` for a comment.

    Raises:
        ValueError: a sample is not finite or beyond full scale.
        AudioError: the sound is longer than a wav file can hold.
    """
    pcm = quantise(wave).tobytes()
    form = struct.pack("<HHIIHH", 1, 1, sample_rate, 2 * sample_rate, 2, 16)  # PCM, mono, 2 bytes a sample
    chunks = [_chunk(b"fmt ", form), _chunk(b"data", pcm)]
    if info:
        texts = [_chunk(name.encode("ascii"), text.encode("ascii") + b"\0") for name, text in info.items()]
        chunks.append(_chunk(b"LIST", b"INFO" + b"".join(texts)))
    body = b"WAVE" + b"".join(chunks)
    if len(body) >= 1 << 32:
        raise AudioError(f"A wav file holds at most 4 GiB, which is less than {wave.size} samples.")
    return _chunk(b"RIFF", body)


def quantise(wave: NDArray[np.float32]) -> NDArray[np.int16]:
    """Samples [samples] within ±1 -> little-endian 16-bit integers.

    Raises:
        ValueError: a sample is not finite or beyond full scale.
    """
    if wave.size and not np.abs(wave).max() <= 1.0:  # "not <=", so that a NaN is caught too
        raise ValueError("samples must be finite and within ±1")
    return np.rint(wave.astype(np.float64) * 32767.0).astype("<i2")


def read_info(path: Path) -> dict[str, str]:
    """The texts of a wav file by their RIFF names; empty where there are none.

    Raises:
        AudioError: the file can't be read, or is not a wav file.
    """
    try:
        with path.open("rb") as file:
            return dict(_texts(file, path))
    except OSError as error:
        raise AudioError(f"{path} can't be read: {error.strerror}.") from error


def _chunk(name: bytes, content: bytes) -> bytes:
    size = len(content) & 0xFFFFFFFF  # the whole is measured by `encode`, which refuses what does not fit
    return name + struct.pack("<I", size) + content + b"\0" * (len(content) % 2)


def _texts(file: BinaryIO, path: Path) -> Iterator[tuple[str, str]]:
    header = file.read(12)
    if header[:4] != b"RIFF" or header[8:] != b"WAVE":
        raise AudioError(f"{path} is not a wav file.")
    for _ in range(_MAX_CHUNKS):
        name, size = _chunk_header(file.read(8))
        if not name:
            return
        if name == b"LIST" and 4 <= size <= _MAX_INFO:
            content = file.read(size + size % 2)
            if content[:4] == b"INFO":
                yield from _entries(content[4:])
        else:
            file.seek(size + size % 2, 1)


def _entries(content: bytes) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(content):
        name, size = _chunk_header(content[at : at + 8])
        if not name:
            return
        text = content[at + 8 : at + 8 + size].partition(b"\0")[0]
        yield name.decode("ascii", "replace"), text.decode("utf-8", "replace")
        at += 8 + size + size % 2


def _chunk_header(raw: bytes) -> tuple[bytes, int]:
    """Name and size of a chunk, with an empty name at the end."""
    return (raw[:4], struct.unpack("<I", raw[4:])[0]) if len(raw) == 8 else (b"", 0)
