"""The index of a store: a row a clip in index.npy, mapped into memory, so that millions of clips take up none."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

INDEX = np.dtype(
    [("recording", "<i4"), ("row", "<i4"), ("genre", "<i2"), ("split", "u1"), ("offset", "<i8"), ("peak", "<u2")]
)
"""A row a clip: numbers of its recording, of its row in that recording's shard, of its genre and of its split; its
offset in the recording, in samples at the store's rate; its peak, in units of int16."""

_ROWS = 1 << 18  # that are looked at together, which bounds the memory and stays in the processor's cache
_BLOCK = 1 << 22  # bytes that are hashed together


def index_content(count: int, parts: Iterable[NDArray[np.void]]) -> Iterator[bytes]:
    """The content of index.npy, part after part, so that it never lies in memory as a whole.

    Args:
        count: of all rows.
        parts: the rows, some at a time, each [n].
    """
    header = io.BytesIO()
    described = np.lib.format.dtype_to_descr(INDEX)
    np.lib.format.write_array_header_1_0(header, {"descr": described, "fortran_order": False, "shape": (count,)})
    yield header.getvalue()
    for part in parts:
        yield part.tobytes()


def map_index(path: Path, digest: blake2b, expected: str) -> NDArray[np.void]:
    """The rows of an index.npy that may claim any form and size, read from disk as they are touched.

    Args:
        path: of the file.
        digest: of what it belongs to, without it.
        expected: what the digest must be with the file's content.

    Raises:
        OSError: it can't be read.
        ValueError: it is another content, form or size.
    """
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
        if digest.hexdigest() != expected:
            raise ValueError("the digest does not match")
        size = file.tell()
        file.seek(0)
        rows = _rows(file, size)
        if not rows:
            return np.zeros(0, INDEX)  # nothing can't be mapped
        if not _is_local(path):
            return np.frombuffer(file.read(), INDEX, rows)
        # It is replaced as a whole and never written to, so what was hashed is what will be read.
        return np.memmap(file, INDEX, "r", file.tell(), rows).view(np.ndarray)


def _is_local(path: object) -> bool:
    """Whether a file can be mapped; those that only behave like a path lie on another machine."""
    return isinstance(path, Path)


def _rows(file: IO[bytes], size: int) -> int:
    """Read the header of an index of so many bytes; the number of its rows.

    Raises:
        ValueError: it is another form or size.
    """
    try:
        version = np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file) if version == (1, 0) else ((), False, None)
    except Exception as error:  # numpy parses the header as Python, and a forged one makes that fail in many ways
        raise ValueError(f"the index can't be read: {error}") from error
    if dtype != INDEX or shape != ((size - file.tell()) // INDEX.itemsize,):
        raise ValueError("the index has another form")
    return int(shape[0])


def check_index(
    index: NDArray[np.void], clips: NDArray[np.int64], genres: NDArray[np.int64], splits: NDArray[np.int64]
) -> None:
    """Check that an index speaks of the clips that the table of recordings has, so that nothing is out of range later.

    Args:
        index: [N].
        clips: how many each recording gave, [recordings].
        genres: the number of each one's genre, [recordings].
        splits: the number of each one's split, [recordings].

    Raises:
        ValueError: they disagree.
    """
    seen = np.zeros(len(clips), np.int64)
    for start in range(0, len(index), _ROWS):
        part = index[start : start + _ROWS]
        recording = part["recording"].astype(np.int64)
        first, last = int(recording.min()), int(recording.max())
        if not 0 <= first <= last < len(clips):
            raise ValueError("the index is out of range")
        seen[first : last + 1] += np.bincount(recording - first, minlength=last + 1 - first)
        row = part["row"]
        if not (
            row.min() >= 0
            and (row < clips[recording]).all()
            and (part["genre"] == genres[recording]).all()
            and (part["split"] == splits[recording]).all()
        ):
            raise ValueError("the index is out of range")
    if not np.array_equal(seen, clips):
        raise ValueError("the index and the table of recordings disagree")
