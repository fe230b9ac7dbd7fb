"""The `webdataset` dataset: tar files of samples, each a sound file and a JSON file of one name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

from genvae.audio.decode import SUFFIXES, SoundfileStream
from genvae.audio.member import Member
from genvae.errors import AudioError, GenvaeError
from genvae.files import parse_json
from genvae.interfaces.dataset import Dataset, Recording, SoundStream, Split
from genvae.places import sizes
from genvae.text import printable
from genvae_plugins.datasets import WebDatasetOptions
from genvae_plugins.datasets.folder import fingerprint
from genvae_plugins.datasets.tars import TarDamage, members

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
            for key, files, told in _samples(tar):
                sound = next((suffix for suffix in files if f".{suffix.rpartition('.')[2]}" in SUFFIXES), None)
                if sound is not None:
                    yield self._recording(f"{tar.name}/{key}", version, files[sound], told)

    def _recording(self, id: str, version: str, sound: Member, told: bytes | None) -> Recording:
        try:
            row: Any = {} if told is None else parse_json(told)
            row = row if isinstance(row, dict) else {}
            genre: Any = row
            for name in self.options.genre.split("."):
                genre = genre.get(name) if isinstance(genre, dict) else None
            if not isinstance(genre, str) or not genre:
                raise ValueError(f"its JSON names no {self.options.genre!r}")
        except ValueError as error:
            row, genre, opens = {}, "", cast(Callable[[], SoundStream], partial(_refuse, str(error)))
        else:
            opens = partial(_open, sound)
        group, split, licence = row.get("recording"), row.get("split"), row.get("licence")
        return Recording(
            id=id,
            genre=genre,
            open=opens,
            fingerprint=f"{version}, {sound.place.start} to {sound.place.stop}",
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


def _samples(tar: Path) -> Iterator[tuple[str, dict[str, Member], bytes | None]]:
    """The samples of a tar file: their keys, the files of each by what follows the first dot, and what JSON tells."""
    key, files, told = "", dict[str, Member](), None
    try:
        for path, member, file in members(tar):
            folder, _, name = path.rpartition("/")
            stem, _, suffix = name.partition(".")
            here = f"{folder}/{stem}" if folder else stem
            if here != key and files:
                yield key, files, told
                files, told = {}, None
            key = here
            files[suffix.lower()] = member
            if suffix.lower() == "json":
                file.seek(member.place.start)
                told = file.read(min(len(member.place), _MOST_JSON))
    except TarDamage as error:
        what = f"{printable(str(tar))} can't be read as a tar file ({error})"
        raise GenvaeError(f"{what}; it must be whole and not compressed.") from error
    if files:
        yield key, files, told


def _open(sound: Member) -> SoundStream:
    return SoundfileStream(cast(Path, sound))


def _refuse(reason: str) -> SoundStream:
    raise AudioError(reason)
