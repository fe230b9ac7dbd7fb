"""The `webdataset` dataset: tar files of samples, each a sound file and a JSON file of one name."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

from genvae.audio.decode import SUFFIXES, SoundfileStream
from genvae.errors import AudioError, GenvaeError
from genvae.files import parse_json
from genvae.interfaces.dataset import Dataset, Recording, SoundStream, Split
from genvae.places import open_bytes, reaching, sizes
from genvae.text import printable
from genvae_plugins.datasets import WebDatasetOptions
from genvae_plugins.datasets.folder import fingerprint

_MOST_JSON = 1 << 20  # bytes of what is told of a sample


class WebDataset(Dataset):
    """Recordings in the tar files of a folder, or in one, a sample each; they are read where they lie."""

    options: WebDatasetOptions

    def recordings(self) -> Iterator[Recording]:
        """Yield the samples that have a sound, file by file, in their order.

        Raises:
            GenvaeError: there is no tar file, or one can't be read as such.
        """
        for tar in _tars(self.root):
            version = fingerprint(tar)
            for key, members in _samples(tar):
                sound = next((name for name in members if f".{name.rpartition('.')[2]}" in SUFFIXES), None)
                if sound is not None:
                    yield self._recording(tar, version, key, members[sound], members.get("json"))

    def _recording(self, tar: Path, version: str, key: str, sound: range, told: range | None) -> Recording:
        try:
            row = {} if told is None else _json(tar, told)
            genre: Any = row
            for name in self.options.genre.split("."):
                genre = genre.get(name) if isinstance(genre, dict) else None
            if not isinstance(genre, str) or not genre:
                raise ValueError(f"its JSON names no {self.options.genre!r}")
        except ValueError as error:
            row, genre, opens = {}, "", cast(Callable[[], SoundStream], partial(_refuse, str(error)))
        else:
            opens = partial(_open, tar, sound)
        group, split, licence = row.get("recording"), row.get("split"), row.get("licence")
        return Recording(
            id=f"{tar.name}/{key}",
            genre=genre,
            open=opens,
            fingerprint=f"{version}, {sound.start} to {sound.stop}",
            group=group if isinstance(group, str) else None,
            split=split if split in get_args(Split) else None,
            licence=licence if isinstance(licence, str) else None,
        )


def _tars(root: Path) -> list[Path]:
    shown = printable(str(root))
    if root.suffix == ".tar":
        return [root]
    try:
        names = sorted(name for name in sizes(root) if name.endswith(".tar") and not name.startswith("."))
    except OSError as error:
        raise GenvaeError(f"The source {shown} can't be read: {error.strerror}.") from error
    if not names:
        raise GenvaeError(f"There are no .tar files in {shown}; name a folder of them, or one.")
    return [root / name for name in names]


def _samples(tar: Path) -> Iterator[tuple[str, dict[str, range]]]:
    """The samples of a tar file: their keys, and where in it each member's bytes are, by what follows the first dot."""
    key, members = "", dict[str, range]()
    try:
        with reaching(tar), open_bytes(tar) as file, tarfile.open(fileobj=file, mode="r:") as opened:
            for member in opened:
                if not member.isfile():
                    continue
                folder, _, name = member.name.rpartition("/")
                stem, _, suffix = name.partition(".")
                here = f"{folder}/{stem}" if folder else stem
                if here != key and members:
                    yield key, members
                    members = {}
                key = here
                members[suffix.lower()] = range(member.offset_data, member.offset_data + member.size)
    except tarfile.TarError as error:
        what = f"{printable(str(tar))} can't be read as a tar file ({error})"
        raise GenvaeError(f"{what}; it must be whole and not compressed.") from error
    except OSError as error:
        raise GenvaeError(f"{printable(str(tar))} can't be read: {error.strerror}.") from error
    if members:
        yield key, members


def _json(tar: Path, place: range) -> dict[str, Any]:
    with open_bytes(tar) as file:
        file.seek(place.start)
        row = parse_json(file.read(min(len(place), _MOST_JSON)))
    return row if isinstance(row, dict) else {}


def _open(tar: Path, place: range) -> SoundStream:
    return SoundfileStream(cast(Path, _Member(tar, place)))


def _refuse(reason: str) -> SoundStream:
    raise AudioError(reason)


@dataclass(frozen=True)
class _Member:
    """A part of a file as a file of its own, with what a decoder asks of a path."""

    tar: Path
    place: range

    def open(self, _: str, **__: Any) -> io.BufferedReader:
        """Its bytes, to be read."""
        return io.BufferedReader(_Bytes(open_bytes(self.tar), self.place))

    def stat(self) -> Any:
        """That it is a file, and its size."""
        return SimpleNamespace(st_mode=stat.S_IFREG, st_size=len(self.place))


class _Bytes(io.RawIOBase):
    """Those bytes of a file that a range of places names."""

    def __init__(self, file: io.BufferedReader, place: range) -> None:
        self._file, self._place, self._at = file, place, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max((0, self._at, len(self._place))[whence] + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        size = max(min(len(buffer), len(self._place) - self._at), 0)
        self._file.seek(self._place.start + self._at)
        content = self._file.read(size)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self) -> None:
        self._file.close()
        super().close()
