"""Writes what stands over the shards: the index, the report and store.json, whole and only where they changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from genvae.clips.attributes import ClipAttribute, write_attributes
from genvae.clips.index import INDEX, index_content
from genvae.clips.parts import Part
from genvae.clips.report import Entry, make_report
from genvae.clips.shard import Seal
from genvae.clips.splits import Candidate, choose_splits
from genvae.clips.store import FORMAT, SPLITS, StoredRecording, store_digest
from genvae.clips.work import Settings
from genvae.files import whole_file, write_json
from genvae.interfaces.dataset import Split
from genvae.places import open_bytes


def assemble(
    out: Path,
    entries: Sequence[Entry],
    settings: Settings,
    sources: Sequence[str],
    stored: Sequence[StoredRecording],
    attributes: Sequence[ClipAttribute] = (),
    part: Part | None = None,
) -> dict[str, Any]:
    """Choose the splits, write index.npy, the attributes, report.json and, last, store.json; returns the report.

    Args:
        stored: what the store held before, which stays in its splits.
        attributes: of the clips, in the order of the entries.
        part: of a store that this one is; its splits are its own, and chosen anew when the parts are joined.
    """
    entries = _with_splits(entries, settings.validation, stored)
    full = [(entry, entry.seal) for entry in entries if entry.seal and entry.seal.clips]
    genres = sorted({entry.recording.genre for entry, _ in full})
    number = {genre: i for i, genre in enumerate(genres)}
    count = sum(seal.clips for _, seal in full)

    def index() -> Iterator[bytes]:
        rows = (_rows(i, entry, seal, number[entry.recording.genre]) for i, (entry, seal) in enumerate(full))
        return index_content(count, rows)

    head: dict[str, Any] = {
        "format": FORMAT,
        "complete": True,
        **of_part(part),
        "settings": settings.to_json(),
        "sources": list(sources),
        **_form(settings),
        "clips": count,
        "genres": genres,
        "recordings": [asdict(_stored(entry, seal)) for entry, seal in full],
    }
    head["digest"] = store_digest(head, index())
    report = make_report(entries, settings.clip_samples / settings.sample_rate if settings.sounds else None, attributes)
    if not _holds(out / "index.npy", index()):
        with whole_file(out / "index.npy") as file:
            file.writelines(index())
    write_attributes(out, head["digest"], attributes)
    write_if_changed(out / "report.json", report)
    write_if_changed(out / "store.json", head)
    return report


def of_part(part: Part | None) -> dict[str, Any]:
    """What store.json says of a part; nothing of a whole store."""
    return {} if part is None else {"part": str(part)}


def _form(settings: Settings) -> dict[str, Any]:
    """What store.json says of the items; of sounds it names neither the kind nor the scale."""
    kind = settings.kind()
    item = {"shape": list(kind.shape), "dtype": str(kind.dtype)}
    if settings.sounds:
        return {"sample_rate": settings.sample_rate, "clip_samples": settings.clip_samples, "item": item}
    return {"items": settings.items, "item": item | {"full_scale": kind.full_scale}}


def write_if_changed(path: Path, value: Any) -> None:
    """Write `value` as JSON unless the file says just that already."""
    if not _holds(path, [(json.dumps(value, indent=2) + "\n").encode("ascii")]):
        write_json(path, value)


def _holds(path: Path, content: Iterable[bytes]) -> bool:
    try:
        with open_bytes(path) as file:
            return all(file.read(len(part)) == part for part in content) and not file.read(1)
    except OSError:  # it is not there, or can't be read: it is written anew, which says what is wrong with the place
        return False


def _with_splits(entries: Sequence[Entry], validation: float, stored: Sequence[StoredRecording]) -> list[Entry]:
    """The entries with their splits; only recordings that gave clips have a say in them."""
    own = {(recording.key, recording.digest): recording.split for recording in stored}
    content: dict[str, Split] = {}  # for a recording that was renamed
    for recording in stored:
        if content.setdefault(recording.digest, recording.split) != recording.split:
            content[recording.digest] = "train"  # the dataset asked for copies in both
    candidates = [
        Candidate(
            genre=entry.recording.genre,
            digest=entry.seal.digest,
            group=None if entry.recording.group is None else (entry.source, entry.recording.group),
            pinned=entry.recording.split,
            held=own.get((entry.seal.key, entry.seal.digest), content.get(entry.seal.digest)),
        )
        for entry in entries
        if entry.seal and entry.seal.clips
    ]
    splits = iter(choose_splits(candidates, validation))
    return [replace(entry, split=next(splits)) if entry.clips else entry for entry in entries]


def _rows(number: int, entry: Entry, seal: Seal, genre: int) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    rows = np.zeros(seal.clips, INDEX)
    rows["recording"] = number
    rows["row"] = np.arange(seal.clips)
    rows["genre"] = genre
    rows["split"] = SPLITS.index(entry.split)
    rows["offset"] = seal.offsets
    rows["peak"] = seal.peaks
    return rows


def _stored(entry: Entry, seal: Seal) -> StoredRecording:
    return StoredRecording(
        key=seal.key,
        source=entry.source,
        id=entry.recording.id,
        genre=entry.recording.genre,
        split=entry.split,
        licence=entry.recording.licence,
        clips=seal.clips,
        digest=seal.digest,
    )
