"""One recording's clips on disk: a .npy that is read where it is needed, and the JSON seal that says it is done.

Nothing here knows what an item is: a clip is int16 [samples], a picture would be uint8 [height, width].
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO, Any, Literal, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from genvae.clips.stored_items import StoredItems
from genvae.errors import StoreError
from genvae.files import parse_json, read_json, whole_file, write_json
from genvae.places import contents, is_remote, ranges, sizes

RecordingState = Literal["kept", "partial", "skipped"]

_KEY = re.compile(r"[0-9a-f]{32}")
_MOST_HEADER = 1024  # bytes before the items
_READ = 1000  # seals whose texts are held at once


@dataclass(frozen=True, kw_only=True)
class Seal:
    """What one recording gave. It is written last, so a shard that has none is not done.

    Attributes:
        key: names the shard's files.
        source: of the recording.
        id: of the recording.
        fingerprint: of the recording.
        settings: digest of those that decide about a shard's content.
        state: `kept`; `partial` (sound is missing in it or at its end); `skipped` (it gave nothing).
        reason: for it; of a recording that was kept, what should be known of it.
        seconds: decoded, with the silence that stands for what is missing.
        clips: kept.
        silent: clips left out because of their peak.
        refused: clips left out because NaN, infinity or damage touches them.
        clipped: clips kept, though the sound went over full scale.
        bytes: size of the shard's file, 0 when there is none.
        digest: of the items' bytes.
        offsets: of each item.
        peaks: of each item.
    """

    key: str
    source: str
    id: str
    fingerprint: str
    settings: str
    state: RecordingState
    reason: str
    seconds: float
    clips: int
    silent: int
    refused: int
    clipped: int
    bytes: int
    digest: str
    offsets: array[int]
    peaks: array[int]


def shard_key(dataset: str, source: str, id: str) -> str:
    """The name of a recording's shard: 32 hexadecimal digits, the same at every run."""
    return hashlib.blake2b(json.dumps([dataset, source, id]).encode("ascii"), digest_size=16).hexdigest()


def is_key(text: object) -> bool:
    """Whether `text` is a name that `shard_key` can give; anything else must not become a path."""
    return isinstance(text, str) and _KEY.fullmatch(text) is not None


class ShardWriter:
    """Writes items as they come, and counts and hashes them.

    Attributes:
        count: items so far.
        size, digest: bytes of the file and digest of the items, once it is finished.
    """

    size: int
    digest: str

    def __init__(self, file: IO[bytes], shape: tuple[int, ...], dtype: DTypeLike) -> None:
        self.count = 0
        self._file, self._shape, self._dtype = file, shape, np.dtype(dtype)
        self._hash = _item_digest(shape, self._dtype)
        self._write_header()
        self._header = file.tell()

    def append(self, items: NDArray[Any]) -> None:
        """Add items [n, *shape]."""
        if items.shape[1:] != self._shape or items.dtype != self._dtype:
            raise ValueError(f"expected {self._dtype} {self._shape}, got {items.dtype} {items.shape[1:]}")
        content = np.ascontiguousarray(items).data
        self._file.write(content)
        self._hash.update(content)
        self.count += len(items)

    def finish(self) -> None:
        """Put the true count into the header, once all items are there."""
        self.size, self.digest = self._file.tell(), self._hash.hexdigest()
        self._file.seek(0)
        self._write_header()
        if self._file.tell() != self._header:  # numpy leaves room for the count to grow since 1.24
            raise RuntimeError("the header of a .npy changed its length with the count")

    def _write_header(self) -> None:
        described = np.lib.format.dtype_to_descr(self._dtype)
        header = {"descr": described, "fortran_order": False, "shape": (self.count, *self._shape)}
        np.lib.format.write_array_header_1_0(self._file, header)


@contextmanager
def new_shard(folder: Path, key: str, shape: tuple[int, ...], dtype: DTypeLike) -> Iterator[ShardWriter]:
    """Write the shard of `key`, whole; one that got no item leaves no file. An old one was removed before."""
    path = shard_path(folder, key)
    with whole_file(path) as file:
        writer = ShardWriter(file, shape, dtype)
        yield writer
        writer.finish()
    if not writer.count:
        path.unlink()
        writer.size = 0


def stored_keys(folder: Path) -> set[str]:
    """The keys of which a folder has a shard or a seal, be it whole or not."""
    return {stem for name in sizes(folder) if is_key(stem := name.partition(".")[0])}


def shard_path(folder: Path, key: str) -> Path:
    """Where the items of `key` are."""
    return folder / f"{key}.npy"


def seal_path(folder: Path, key: str) -> Path:
    """Where the seal of `key` is."""
    return folder / f"{key}.json"


def offsets_of(values: Iterable[int]) -> array[int]:
    """Offsets as a seal holds them, 8 bytes each; TypeError or OverflowError for what is no number of them."""
    return array("q", values)


def peaks_of(values: Iterable[int]) -> array[int]:
    """Peaks as a seal holds them, 2 bytes each; TypeError or OverflowError for what is no number of 16 bits."""
    return array("H", values)


def write_seal(folder: Path, seal: Seal) -> None:
    """Declare a shard done."""
    lists = {"offsets": seal.offsets.tolist(), "peaks": seal.peaks.tolist()}
    write_json(seal_path(folder, seal.key), {field.name: getattr(seal, field.name) for field in fields(Seal)} | lists)


def read_seals(folder: Path, keys: Iterable[str]) -> dict[str, Seal]:
    """The seals of those keys that have one, if it is sound, and the shard has the size that it says."""
    present = sizes(folder)
    sealed = [key for key in keys if f"{key}.json" in present]
    seals: dict[str, Seal] = {}
    for first in range(0, len(sealed), _READ):
        some = sealed[first : first + _READ]
        texts = contents(folder, [f"{key}.json" for key in some]) if is_remote(folder) else {}
        for key in some:
            seal = _read_seal(folder, key, texts.get(f"{key}.json"))
            if seal is not None and (not seal.clips or present.get(f"{key}.npy") == seal.bytes):
                seals[key] = seal
    return seals


def _read_seal(folder: Path, key: str, text: bytes | None) -> Seal | None:
    try:
        values = read_json(seal_path(folder, key)) if text is None else parse_json(text)
        names = {field.name for field in fields(Seal)}
        if not isinstance(values, dict) or values.keys() != names or values["key"] != key:
            return None
        seal = Seal(**values | {"offsets": offsets_of(values["offsets"]), "peaks": peaks_of(values["peaks"])})
        return seal if _is_sound(seal) else None
    except (OSError, ValueError, TypeError, OverflowError):
        return None  # there is none, or it was damaged: the recording is decoded again, which is always right


def _is_sound(seal: Seal) -> bool:
    """Whether each field is of its kind and within its range, so that an index can be made of them."""
    texts = (seal.source, seal.id, seal.fingerprint, seal.settings, seal.reason, seal.digest)
    counts = (seal.clips, seal.silent, seal.refused, seal.clipped, seal.bytes)
    return (
        all(isinstance(text, str) for text in texts)
        and all(_is_count(count, 2**63) for count in counts)
        and type(seal.seconds) in (int, float)
        and len(seal.offsets) == len(seal.peaks) == seal.clips
        and min(seal.offsets, default=0) >= 0
        and seal.state in ("kept", "partial", "skipped")
    )


def _is_count(value: object, end: int) -> bool:
    return type(value) is int and 0 <= value < end


def remove_shard(folder: Path, key: str) -> None:
    """Take a shard away, its seal first, so that nothing is ever sealed without being there."""
    seal_path(folder, key).unlink(missing_ok=True)
    shard_path(folder, key).unlink(missing_ok=True)


class Items(Protocol):
    """The items of a shard [count, *shape], read when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Count, and shape of an item."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the items."""

    def __len__(self) -> int:
        """The count."""

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """Some items, by a slice or by numbers [n]."""


class RemoteItems:
    """The items of a shard on a URL; those that are asked for are read, and nothing beside them.

    Attributes:
        shape: count, and shape of an item.
        dtype: of the items.
    """

    def __init__(self, path: Path) -> None:
        [head] = ranges(path, [(0, _MOST_HEADER)])
        file = io.BytesIO(head)
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("it is of another version")
        self.shape, fortran, self.dtype = np.lib.format.read_array_header_1_0(file)
        if fortran:
            raise ValueError("it is ordered by columns")
        self._path, self._first = path, file.tell()
        self._size = math.prod(self.shape[1:]) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        distinct, places = np.unique(np.arange(len(self))[rows], return_inverse=True)
        runs = np.split(distinct, np.flatnonzero(np.diff(distinct) > 1) + 1) if len(distinct) else []
        spans = [(self._first + int(r[0]) * self._size, self._first + int(r[-1] + 1) * self._size) for r in runs]
        content = b"".join(ranges(self._path, spans))
        if len(content) != len(distinct) * self._size:
            raise StoreError(f"The shard {self._path} is cut short. Prepare the store again.")
        items: NDArray[Any] = np.frombuffer(content, self.dtype).reshape(-1, *self.shape[1:])[places]
        return items


def map_shard(folder: Path, key: str, count: int, shape: tuple[int, ...], dtype: DTypeLike) -> Items:
    """A shard's items [count, *shape], read as they are touched.

    Raises:
        StoreError: the shard is missing, cut short, or holds something else.
    """
    path = shard_path(folder, key)
    try:
        items: Items = RemoteItems(path) if is_remote(path) else StoredItems(path)
    except Exception as error:  # numpy parses the header as Python, and a damaged one makes that fail in many ways
        raise StoreError(f"The shard {path} can't be read ({error}). Prepare the store again.") from error
    if items.shape != (count, *shape) or items.dtype != np.dtype(dtype):
        have, want = f"{items.dtype} {list(items.shape)}", f"{np.dtype(dtype)} {[count, *shape]}"
        raise StoreError(f"The shard {path} holds {have}, expected {want}. Prepare the store again.")
    return items


def items_digest(items: Items) -> str:
    """The digest that `ShardWriter` gives for these items [n, *shape], read a few megabytes at a time."""
    digest = _item_digest(items.shape[1:], items.dtype)
    step = max((1 << 22) // max(math.prod(items.shape[1:]) * items.dtype.itemsize, 1), 1)
    for first in range(0, len(items), step):
        digest.update(items[first : first + step].tobytes())
    return digest.hexdigest()


def _item_digest(shape: tuple[int, ...], dtype: np.dtype[Any]) -> hashlib.blake2b:
    """Begun with the items' form, so that the same bytes in another form are another content."""
    return hashlib.blake2b(json.dumps([dtype.str, list(shape)]).encode(), digest_size=16)
