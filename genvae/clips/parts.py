"""Parts of a store, prepared apart as by a batch system's jobs: which recordings are a part's, and what it says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genvae.clips.report import Entry
from genvae.clips.shard import read_seals, shard_key
from genvae.clips.store import SPLITS, read_head
from genvae.clips.work import Settings
from genvae.errors import GenvaeError, OptionError, StoreError
from genvae.files import read_json
from genvae.interfaces.dataset import Recording
from genvae.text import printable

FILE = "part.json"
"""What a part knows of its recordings beyond their seals; written last, so one that has none is not finished."""
_TEXTS = ("source", "id", "genre", "fingerprint", "failure")
_NULLABLE = ("group", "licence")


@dataclass(frozen=True)
class Part:
    """A part of a store.

    Attributes:
        number: of it, from 1.
        of: how many there are.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Part:
        """A part as people write it, such as `2/4`.

        Raises:
            OptionError: it is none.

        >>> Part.parse("2/4")
        Part(number=2, of=4)
        """
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise OptionError(f"`shard` takes a number and how many there are, such as 1/4, not {text!r}.")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.number}/{self.of}"

    def holds(self, key: str) -> bool:
        """Whether the recording of a key is in it, which no other recording has a say in."""
        return int(key, 16) % self.of == self.number - 1


def part_json(entries: Iterable[Entry]) -> dict[str, Any]:
    """What a part says of its recordings, for the one that joins it."""
    return {
        "entries": [
            {
                "source": entry.source,
                "id": entry.recording.id,
                "genre": entry.recording.genre,
                "fingerprint": entry.recording.fingerprint,
                "failure": entry.failure,
                "group": None if entry.recording.group is None else _hashed(entry.recording.group),
                "split": entry.recording.split,
                "licence": entry.recording.licence,
            }
            for entry in entries
        ]
    }


@dataclass(frozen=True)
class StoredPart:
    """A part that lies in a folder.

    Attributes:
        path: its folder.
        part: which one it is.
        settings: that it was prepared with.
        sources: the labels of all sources of the whole store.
        entries: its recordings.
    """

    path: Path
    part: Part
    settings: Settings
    sources: tuple[str, ...]
    entries: tuple[Entry, ...]

    @classmethod
    def open(cls, path: Path) -> StoredPart:
        """Read a part.

        Raises:
            StoreError: there is none, or it is unfinished or damaged.
        """
        shown = printable(str(path))
        head = read_head(path)
        if head is None:
            raise StoreError(f"{shown} is no clip store.")
        if "part" not in head:
            raise StoreError(f"{shown} is no part of a store: prepare it with `shard`.")
        if head.get("complete") is not True:
            raise StoreError(f"The part {shown} is unfinished. Prepare it again as before to finish it.")
        try:
            part = Part.parse(head["part"])
            settings, sources = Settings(**head["settings"]), tuple(map(str, head["sources"]))
            entries = tuple(_entries(read_json(path / FILE), path, part, settings))
        except FileNotFoundError as error:
            raise StoreError(f"The part {shown} is unfinished. Prepare it again as before to finish it.") from error
        except (OSError, ValueError, TypeError, KeyError, OptionError) as error:
            raise StoreError(f"The part {shown} is damaged ({error}). Prepare it again.") from error
        return cls(path, part, settings, sources, entries)


def _entries(said: Any, path: Path, part: Part, settings: Settings) -> Iterator[Entry]:
    rows = [dict(row) for row in said["entries"]]
    keys = [shard_key(settings.dataset, row["source"], row["id"]) for row in rows]
    seals = read_seals(path / "shards", keys)
    for row, key in zip(rows, keys, strict=True):
        told = all(isinstance(row[name], str) for name in _TEXTS)
        told = told and all(row[name] is None or isinstance(row[name], str) for name in _NULLABLE)
        if not told or row["split"] not in (None, *SPLITS) or not part.holds(key):
            raise ValueError(f"{FILE} is wrong")
        seal = None if row["failure"] else seals.get(key)
        signature = (row["fingerprint"], settings.content_digest())
        if not row["failure"] and (seal is None or (seal.fingerprint, seal.settings) != signature):
            raise ValueError(f"{row['id']!r} is not sealed")
        recording = Recording(
            open=_refuse, **{name: row[name] for name in ("id", "genre", "fingerprint", "group", "split", "licence")}
        )
        yield Entry(source=row["source"], recording=recording, seal=seal, failure=row["failure"])


def _refuse() -> Any:
    raise GenvaeError("A recording of a part is not decoded again.")


def _hashed(group: str) -> str:
    """A group's name may be a path, and a store does not say where its sources were; only equality counts."""
    return hashlib.blake2b(group.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
