"""The items of one shard on disk, of which those are read that are asked for and nothing beside them."""

from __future__ import annotations

import math
import os
import weakref
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genvae.errors import StoreError


class StoredItems:
    """The items in a .npy [count, *shape], read when they are asked for, from several threads if need be.

    A mapped file reads ahead, megabytes where a disk is set up so: of a shard of four minutes all, for one clip of it.

    Args:
        path: of the file.

    Raises:
        OSError: it can't be read.
        ValueError: it holds something else, or is cut short.

    Attributes:
        shape: count, and shape of an item.
        dtype: of the items.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise ValueError("it is of another version")
            self.shape, by_columns, self.dtype = np.lib.format.read_array_header_1_0(file)
            self._first = file.tell()
            self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)
        self._size = math.prod(self.shape[1:]) * self.dtype.itemsize
        self._alone = Lock()
        if by_columns or self.dtype.hasobject or not self.shape:
            raise ValueError("it holds no items")
        if os.fstat(self._file).st_size < self._first + self.shape[0] * self._size:
            raise ValueError("it is cut short")

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Some items, by a slice or by numbers [n]; those that lie side by side are read together.

        Raises:
            StoreError: the file has been cut short meanwhile.
        """
        chosen = np.arange(len(self))[rows]
        distinct, places = np.unique(chosen, return_inverse=True)
        content = np.empty((len(distinct), *self.shape[1:]), self.dtype)
        start = 0
        for run in np.split(distinct, np.flatnonzero(np.diff(distinct) > 1) + 1):
            into = content[start : start + len(run)]
            into[...] = np.frombuffer(self._read(run), self.dtype).reshape(into.shape)
            start += len(run)
        items: NDArray[Any] = content[places.reshape(chosen.shape)]
        return items

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _read(self, run: NDArray[np.int64]) -> bytes:
        """The bytes of items that lie side by side."""
        if not len(run):
            return b""
        first, size = self._first + int(run[0]) * self._size, len(run) * self._size
        if hasattr(os, "pread"):
            content = os.pread(self._file, size, first)
        else:  # Windows has one place in a file for all threads
            with self._alone:
                os.lseek(self._file, first, os.SEEK_SET)
                content = os.read(self._file, size)
        if len(content) < size:
            raise StoreError(f"The shard {self._path} is cut short. Prepare the store again.")
        return content
