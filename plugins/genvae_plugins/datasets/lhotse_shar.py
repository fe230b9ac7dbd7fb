"""The `lhotse-shar` dataset: cuts and their audio as Lhotse's `SharWriter` stores them.

A folder holds `cuts.000000.jsonl.gz`, a cut in JSON a line, and beside it `recording.000000.tar`, in which each cut has
a sound file `ID.flac` (or of another form) and its manifest `ID.json`, or `ID.nodata` where it has no audio; then the
same with further numbers, or once without one. Audio in other fields of the cuts lies in tar files named for these.
The format is described in lhotse/shar/writers/shar.py and lhotse/shar/readers/tar.py of Lhotse 1.33. Its package is not
used: nothing that a cut names as a source of audio is opened, run or fetched.
"""

from __future__ import annotations

import gzip
import io
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

from genvae.audio.decode import SoundfileStream
from genvae.audio.member import Member
from genvae.errors import AudioError, GenvaeError
from genvae.files import parse_json
from genvae.interfaces.dataset import Dataset, Recording, SoundStream, Split
from genvae.places import open_bytes, reaching, sizes
from genvae.text import printable
from genvae_plugins.datasets import LhotseSharOptions
from genvae_plugins.datasets.folder import fingerprint
from genvae_plugins.datasets.tars import TarDamage, members

_CUTS = re.compile(r"cuts(\.[^/]*)?\.jsonl(?:\.gz)?")
_MOST_LINE = 1 << 20  # bytes of a cut
_MOST_CUTS = 1 << 30  # bytes of the cuts of a file, unpacked
_SAME = 1e-4  # seconds; durations are rounded


class LhotseShar(Dataset):
    """The cuts of a folder of Lhotse Shar, a recording each; their audio is read where it lies."""

    options: LhotseSharOptions

    def recordings(self) -> Iterator[Recording]:
        """Yield the cuts, file by file, in their order. One that can't be used is named, and says why when opened.

        Raises:
            GenvaeError: there are no cuts, or a file can't be read.
        """
        shown = printable(str(self.root))
        try:
            names = sizes(self.root)
        except OSError as error:
            raise GenvaeError(f"The source {shown} can't be read: {error.strerror}.") from error
        found = [(name, match[1] or "") for name in sorted(names) if (match := _CUTS.fullmatch(name))]
        if not found:
            raise GenvaeError(f"There are no cuts.*.jsonl.gz in {shown}; name a folder of Lhotse Shar.")
        for name, number in found:
            tar = f"{self.options.audio}{number}.tar"
            sounds, why = _sounds(self.root / tar) if tar in names else ({}, f"there is no {tar}")
            version = fingerprint(self.root / tar) if tar in names else ""
            seen: Counter[str] = Counter()
            for recording in self._cuts(name, sounds, why or f"{tar} has nothing for it", version):
                seen[recording.id] += 1
                times = seen[recording.id]  # cuts that were drawn with repetition have one name
                yield recording if times == 1 else replace(recording, id=f"{recording.id} ({times})")

    def _cuts(self, name: str, sounds: dict[str, list[Member]], missing: str, version: str) -> Iterator[Recording]:
        """The cuts of a file.

        Args:
            name: of the file.
            sounds: those of the cuts, by their ids.
            missing: why there is none for a cut that has none.
            version: of the file that they lie in.
        """
        number = 0
        try:
            for number, line in enumerate(_lines(self.root / name), 1):
                id, genre = f"line {number}", ""
                try:
                    cut = _cut(line)
                    id = cut["id"]
                    sound = found.pop(0) if (found := sounds.get(id)) else None
                    if sound is None:
                        raise ValueError(missing)
                    genre = _named(cut, self.options.genre) or ""
                    if not genre:
                        raise ValueError(f"neither the cut nor a supervision names a {self.options.genre!r}")
                    yield self._recording(f"{name}/{id}", genre, cut, sound, version)
                except ValueError as error:
                    yield _refused(f"{name}/{id}", str(error))
        except (gzip.BadGzipFile, EOFError, zlib.error, _TooMuch) as error:
            yield _refused(name, f"no cuts can be read in it behind line {number}: {error}")

    def _recording(self, id: str, genre: str, cut: Mapping[str, Any], sound: Member, version: str) -> Recording:
        held = _dict(cut.get(self.options.audio)) or _dict(_dict(cut.get("custom")).get(self.options.audio))
        start, end = _span(cut, held)
        origin, split = held.get("id"), _named(cut, "split")
        part = f", {start} to {end} s" if start or end is not None else ""
        return Recording(
            id=id,
            genre=genre,
            open=partial(_open, sound, start, end),
            fingerprint=f"{version}, {sound.place.start} to {sound.place.stop}{part}",
            group=origin if isinstance(origin, str) else None,
            split=cast(Split, split) if split in get_args(Split) else None,
            licence=_named(cut, "licence") or _named(cut, "license"),
        )


class _TooMuch(Exception):
    """Cuts that unpack to more than any file of them."""


def _sounds(tar: Path) -> tuple[dict[str, list[Member]], str]:
    """The sound files of a tar file by the ids of their cuts, and what is wrong with it, if anything is."""
    found: dict[str, list[Member]] = {}
    try:
        for path, member, _ in members(tar):
            key, _, suffix = path.rpartition(".")
            if suffix not in ("json", "nodata", "nometa"):
                found.setdefault(key, []).append(member)
    except TarDamage as error:
        return found, f"{tar.name} can't be read up to there ({error}); it must be whole and not compressed"
    return found, ""


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a file that hold something; of one that is too long its beginning, which is no JSON."""
    left = _MOST_CUTS
    try:
        with reaching(path), open_bytes(path) as file:
            text = cast(io.BufferedReader, gzip.GzipFile(fileobj=file)) if path.suffix == ".gz" else file
            while line := text.readline(_MOST_LINE):
                rest = line
                while not rest.endswith(b"\n") and left > 0 and (rest := text.readline(_MOST_LINE)):
                    left -= len(rest)
                left -= len(line)
                if left <= 0:
                    raise _TooMuch("it unpacks to more than a gibibyte")
                if line.strip():
                    yield line
    except gzip.BadGzipFile:
        raise
    except OSError as error:
        raise GenvaeError(f"{printable(str(path))} can't be read: {error.strerror}.") from error


def _cut(line: bytes) -> dict[str, Any]:
    if len(line) == _MOST_LINE and not line.endswith(b"\n"):
        raise ValueError("it is longer than a mebibyte")
    cut = parse_json(line)
    if not isinstance(cut, dict) or not isinstance(cut.get("id"), str) or not cut["id"]:
        raise ValueError("it is no cut with an id")
    return cut


def _named(cut: Mapping[str, Any], field: str) -> str | None:
    """What a field says in words: of the cut, of its `custom`, or of the first supervision that has it likewise."""
    first, *rest = field.split(".")
    supervisions = cut.get("supervisions")
    for holder in (cut, *(supervisions if isinstance(supervisions, list) else ())):
        for value in (_dict(holder).get(first), _dict(_dict(holder).get("custom")).get(first)):
            for name in rest:
                value = _dict(value).get(name)
            if isinstance(value, str) and value:
                return value
    return None


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _span(cut: Mapping[str, Any], held: Mapping[str, Any]) -> tuple[float, float | None]:
    """From where to where in its audio a cut goes, in seconds; to None where that is the end.

    The writer stores the audio of the cut alone, but cuts may have been shortened afterwards.
    """
    start, duration, total = cut.get("start", 0), cut.get("duration"), held.get("duration")
    for value in (start, duration, total):
        if value is not None and (type(value) not in (int, float) or not 0 <= value < math.inf):
            raise ValueError("its start or duration is no time")
    if duration is None or total is None or start + duration >= total - _SAME:
        return start, None
    return start, start + duration


def _refused(id: str, reason: str) -> Recording:
    return Recording(id=id, genre="", open=partial(_refuse, reason), fingerprint=reason)


def _open(sound: Member, start: float, end: float | None) -> SoundStream:
    return SoundfileStream(cast(Path, sound), start=start, end=end)


def _refuse(reason: str) -> SoundStream:
    raise AudioError(reason)
