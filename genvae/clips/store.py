"""ClipStore: reads what `genvae prepare` wrote, checked, as a store may come from anywhere."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Lock
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from genvae.clips.attributes import ClipAttribute, read_attributes
from genvae.clips.index import check_index, map_index
from genvae.clips.shard import Items, is_key, items_digest, map_shard, shard_path
from genvae.errors import Cure, StoreError, nearest
from genvae.files import read_json
from genvae.interfaces.dataset import Split
from genvae.items import FULL_SCALE
from genvae.places import is_remote, place, reaching, sizes
from genvae.plugin.declarations import SOUNDS

FORMAT = 1
"""Version of the store's format on disk."""
SPLITS: tuple[Split, ...] = ("train", "validation")
"""The splits, in the order of their numbers in the index."""

_OPEN_SHARDS = 128  # files; a process may have 256 of them on some systems
_QUESTIONS = 32  # to an object store at once
_DTYPE = re.compile(r"[<|]?[biuf][1248]|u?int(8|16|32)|float(16|32|64)")
_LARGEST_ITEM = 1 << 30  # bytes; ten minutes of sound at 384 kHz are 460 MB


@dataclass(frozen=True, kw_only=True)
class StoredRecording:
    """A recording of the store.

    Attributes:
        key: names its shard.
        source: the name of the dataset that it comes from.
        id: its own, unique in that dataset.
        genre: of all its clips.
        split: that they stand in.
        licence: the terms under which it may be used, where known.
        clips: how many it gave.
        digest: of their content.
    """

    key: str
    source: str
    id: str
    genre: str
    split: Split
    licence: str | None
    clips: int
    digest: str


def stored_recordings(entries: Any) -> tuple[StoredRecording, ...]:
    """The recordings that a store.json of unknown origin names.

    Raises:
        ValueError: they are no recordings.
    """
    names = {field.name for field in fields(StoredRecording)}
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and entry.keys() == names for entry in entries):
        raise ValueError("the table of recordings is wrong")
    recordings = tuple(StoredRecording(**entry) for entry in entries)
    for each in recordings:
        texts = (each.source, each.id, each.genre, each.digest, each.licence or "")
        counted = type(each.clips) is int and 0 <= each.clips < 2**31
        if not (is_key(each.key) and counted and each.split in SPLITS and all(isinstance(t, str) for t in texts)):
            raise ValueError("the table of recordings is wrong")
    return recordings


class ClipStore:
    """A prepared store, open for reading, from several threads if need be.

    Attributes:
        path: its folder.
        items: the kind of items.
        sample_rate: in Hz; 0 where the items are no sounds.
        clip_samples: samples in a clip (the last axis of an item).
        item_shape, item_dtype: of one item; int16 [clip_samples] for sound.
        genres: names, sorted; their places are the numbers in the index.
        recordings: those that gave clips, in the order of their numbers in the index.
        index: structured array of dtype INDEX, one row a clip, mapped into memory.
        settings: those that the store was prepared with, as JSON holds them.
        digest: changes with anything in the store.
    """

    def __init__(self, path: Path, head: Mapping[str, Any], index: NDArray[np.void]) -> None:
        self.path = path
        self.settings = dict(head["settings"])
        self.items = str(head.get("items", SOUNDS))
        self.item_shape = tuple(head["item"]["shape"])
        if not _DTYPE.fullmatch(head["item"]["dtype"]):
            raise ValueError("the items have an impossible form")
        self.item_dtype = np.dtype(head["item"]["dtype"])
        sounds = self.items == SOUNDS
        self.sample_rate: int = head["sample_rate"] if sounds else 0
        self.clip_samples: int = head["clip_samples"] if sounds else self.item_shape[-1]
        self._full_scale: int = FULL_SCALE if sounds else head["item"]["full_scale"]
        self.genres: tuple[str, ...] = tuple(map(str, head["genres"]))
        self.recordings = stored_recordings(head["recordings"])
        self.digest: str = head["digest"]
        self.index = index
        self._attributes: tuple[dict[str, ClipAttribute], str] | None = None
        self._open: OrderedDict[int, Items] = OrderedDict()  # by number of the recording, least used first
        self._lock = Lock()

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the store in the folder `path`.

        Raises:
            StoreError: there is none, it is unfinished, of a newer genvae, or damaged: of the shards only the sizes are
                looked at, `verify` reads them.
        """
        path = place(path)
        head = read_head(path)
        if head is None:
            raise StoreError(
                f"{path} is no clip store.", cure=Cure.of("prepare", sources="MUSIC", store=_new_folder(path))
            )
        if head.get("complete") is not True:
            raise StoreError(f"The clip store {path} is unfinished. Prepare it again as before to finish it.")
        try:
            with reaching(path):
                index = map_index(path / "index.npy", _head_digest(head), str(head["digest"]))
            store = cls(path, head, index)
            store._check()
        except (OSError, ValueError, TypeError, KeyError, OverflowError) as error:
            raise StoreError(f"The clip store {path} is damaged ({error}). Prepare it again.") from error
        return store

    @property
    def report(self) -> dict[str, Any]:
        """What was kept, was partial and was skipped when it was prepared, recording by recording.

        Raises:
            StoreError: report.json is missing or damaged.
        """
        file = self.path / "report.json"
        try:
            report: dict[str, Any] = read_json(file)
        except (OSError, ValueError) as error:
            raise StoreError(f"{file} can't be read ({error}). Prepare the store again.") from error
        return report

    @property
    def attributes(self) -> Mapping[str, ClipAttribute]:
        """What is known of each clip beyond its genre, by name; nothing where the store was not asked to keep it.

        Raises:
            StoreError: the file is damaged, or of another state of the store.
        """
        return self._kept()[0]

    @property
    def attributes_digest(self) -> str:
        """Changes with anything that is known of the clips; "" where nothing is.

        Raises:
            StoreError: as `attributes`.
        """
        return self._kept()[1]

    def _kept(self) -> tuple[dict[str, ClipAttribute], str]:
        if self._attributes is None:
            self._attributes = read_attributes(self.path, self.digest, len(self))
        return self._attributes

    def __len__(self) -> int:
        return len(self.index)

    def select(self, *, split: Split | None = None, genre: str | None = None) -> NDArray[np.int64]:
        """The numbers of the clips of a split, a genre, or both; int64 [n], ascending.

        Raises:
            StoreError: the store has no such genre or split.
        """
        chosen = np.ones(len(self), bool)
        if split is not None:
            if split not in SPLITS:
                raise StoreError(f"There is no split {split!r}. {nearest(split, SPLITS)}")
            chosen &= self.index["split"] == SPLITS.index(split)
        if genre is not None:
            if genre not in self.genres:
                raise StoreError(f"The store {self.path} has no genre {genre!r}. {nearest(genre, self.genres)}")
            chosen &= self.index["genre"] == self.genres.index(genre)
        return np.flatnonzero(chosen).astype(np.int64)

    def counts(self) -> dict[str, dict[Split, int]]:
        """How many clips each genre has in each split, from the table of recordings: no clip is looked at."""
        counted: dict[str, dict[Split, int]] = {genre: dict.fromkeys(SPLITS, 0) for genre in self.genres}
        for each in self.recordings:
            counted[each.genre][each.split] += each.clips
        return counted

    def read(self, numbers: ArrayLike) -> NDArray[Any]:
        """The items of clips [n] -> [n, *item_shape] of item_dtype, in the order asked for.

        Raises:
            IndexError: a number that is no clip's.
            StoreError: a shard is missing or damaged.
        """
        clip_numbers = np.asarray(numbers, dtype=np.int64).reshape(-1)
        if len(clip_numbers) and not 0 <= clip_numbers.min() <= clip_numbers.max() < len(self):
            raise IndexError(f"clip numbers run from 0 to {len(self) - 1}")
        rows = self.index[clip_numbers]
        items = np.empty((len(clip_numbers), *self.item_shape), self.item_dtype)
        order = np.argsort(rows["recording"], kind="stable")
        recordings, starts = np.unique(rows["recording"][order], return_index=True)
        parts = [order[start:end] for start, end in zip(starts, [*starts[1:], len(order)], strict=False)]

        def fill(recording: np.int32, places: NDArray[np.int64]) -> None:
            items[places] = self._shard(int(recording))[rows["row"][places]]

        if is_remote(self.path) and len(parts) > 1:  # each is a question that takes its time to be answered
            with ThreadPoolExecutor(min(len(parts), _QUESTIONS)) as executor:
                list(executor.map(fill, recordings, parts))
        else:
            for recording, places in zip(recordings, parts, strict=True):
                fill(recording, places)
        return items

    def values(self, numbers: ArrayLike) -> NDArray[np.float32]:
        """The items of clips [n] as they are in memory: float32 [n, *item_shape], full scale at 1; waveforms of sounds.

        Raises:
            StoreError: as `read`.
        """
        values: NDArray[np.float32] = self.read(numbers).astype(np.float32)
        values *= np.float32(1 / self._full_scale)
        return values

    def waves(self, numbers: ArrayLike) -> NDArray[np.float32]:
        """The waveforms of clips [n] -> float32 [n, clip_samples] in [-1, 1): int16 divided by 32768.

        Raises:
            StoreError: as `read`, or the store's items are no waveforms.
        """
        if self.item_dtype != np.int16 or len(self.item_shape) != 1:
            raise StoreError(f"The store {self.path} holds {self.item_dtype} {list(self.item_shape)}, not waveforms.")
        return self.values(numbers)

    def shifted_waves(self, numbers: NDArray[np.int64], shifts: NDArray[np.int64]) -> NDArray[np.float32]:
        """Clips that begin later in their recordings than the store cut them, where the clip that follows is there.

        Args:
            numbers: of the clips, [N].
            shifts: how much later each begins, in samples below `clip_samples`, [N].

        Returns:
            [N, samples] in ±1.
        """
        waves = self.waves(numbers)
        following, there = self._following(numbers)
        places = np.flatnonzero(there & (shifts > 0))
        for row, tail in zip(places.tolist(), self.waves(following[places]), strict=True):
            by = int(shifts[row])
            waves[row] = np.concatenate([waves[row, by:], tail[:by]])
        return waves

    def nearer(self, numbers: NDArray[np.int64], shifts: NDArray[np.int64]) -> NDArray[np.int64]:
        """The numbers of the clips [N] that those of `shifted_waves` share most with."""
        following, there = self._following(numbers)
        return np.where(there & (2 * shifts > self.clip_samples), following, numbers)

    def _following(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The clips [N] that come next in the store, and whether they come next in the recording."""
        following = np.minimum(numbers + 1, len(self.index) - 1)
        same = self.index["recording"][following] == self.index["recording"][numbers]
        same &= self.index["offset"][following] == self.index["offset"][numbers] + self.clip_samples
        return following, same

    def damaged(self) -> Iterator[str]:
        """Read every shard and compare it with its digest; yield what is wrong, a sentence each."""
        for recording in self.recordings:
            try:
                shard = self._mapped(recording)
                if items_digest(shard) != recording.digest:
                    where = shard_path(self.path / "shards", recording.key)
                    yield (
                        f"The clips of {recording.id!r} in {self.path} are damaged. Delete {where} and prepare the "
                        "store again."
                    )
            except (StoreError, OSError) as error:
                yield str(error)
        try:
            read_attributes(self.path, self.digest, len(self))
        except StoreError as error:
            yield str(error)

    def verify(self) -> None:
        """Read every shard and compare it with its digest.

        Raises:
            StoreError: naming the first recording whose clips are not what was prepared.
        """
        for what in self.damaged():
            raise StoreError(what)

    def _shard(self, number: int) -> Items:
        with self._lock:
            shard = self._open.pop(number, None)
            if shard is None:
                shard = self._mapped(self.recordings[number])
            self._open[number] = shard
            if len(self._open) > _OPEN_SHARDS:
                self._open.popitem(last=False)  # a reader that still holds it keeps it open
            return shard

    def _mapped(self, recording: StoredRecording) -> Items:
        folder = self.path / "shards"
        return map_shard(folder, recording.key, recording.clips, self.item_shape, self.item_dtype)

    def _check(self) -> None:
        """Check that the index and the head speak of the same clips, so that nothing read later can be out of range."""
        rates = [self.sample_rate] if self.items == SOUNDS else []
        numbers = (*rates, self.clip_samples, self._full_scale, *self.item_shape)
        if not all(type(n) is int and n > 0 for n in numbers) or self.item_dtype.kind not in "biuf":
            raise ValueError("the items have an impossible form")
        size = math.prod(self.item_shape) * self.item_dtype.itemsize
        wave = self.item_dtype == np.int16
        if size > _LARGEST_ITEM or (wave and self.item_shape != (self.clip_samples,)):
            raise ValueError("the items have an impossible form")
        if len(set(self.genres)) < len(self.genres):
            raise ValueError("a genre is named twice")
        present = sizes(self.path / "shards")
        for each in self.recordings:
            shard = shard_path(self.path / "shards", each.key)
            if shard.name not in present:
                raise ValueError(f"{shard} is missing")
            if present[shard.name] < each.clips * size:
                raise ValueError(f"{shard} is cut short")
        numbers_of = {genre: number for number, genre in enumerate(self.genres)}
        check_index(
            self.index,
            np.array([each.clips for each in self.recordings], np.int64),
            np.array([numbers_of[each.genre] for each in self.recordings], np.int64),
            np.array([SPLITS.index(each.split) for each in self.recordings], np.int64),
        )


def _new_folder(path: Path) -> Path:
    """Where a store may be made: the path itself, or beside it where it is taken."""
    is_occupied = path.is_file() or (path.is_dir() and any(path.iterdir()))
    return path.with_name(f"{path.name}-store") if is_occupied else path


def read_head(path: Path) -> dict[str, Any] | None:
    """What store.json says; None when there is none.

    Raises:
        StoreError: it is damaged or of a newer genvae.
    """
    file = path / "store.json"
    try:
        head = read_json(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise StoreError(f"{file} can't be read ({error}). Delete it and prepare the store again.") from error
    if not isinstance(head, dict) or not isinstance(head.get("settings"), dict):
        raise StoreError(f"{file} does not describe a clip store.")
    if head.get("format") != FORMAT:
        raise StoreError(f"{file} has format {head.get('format')!r}; this genvae reads {FORMAT}. Prepare it anew.")
    return head


def store_digest(head: Mapping[str, Any], index: bytes | Iterable[bytes]) -> str:
    """The digest of a store: of all that store.json says, which names each shard's digest, and of index.npy."""
    digest = _head_digest(head)
    for part in (index,) if isinstance(index, bytes) else index:
        digest.update(part)
    return digest.hexdigest()


def _head_digest(head: Mapping[str, Any]) -> hashlib.blake2b:
    """Of what store.json says, to be continued with the content of index.npy."""
    content = {name: value for name, value in head.items() if name != "digest"}
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode("ascii"), digest_size=16)
