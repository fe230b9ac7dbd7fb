"""Writes a store as WebDataset: tar files of samples, each a sound (or another item) and what is known of it."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from genvae.clips.store import SPLITS, ClipStore
from genvae.errors import StoreError
from genvae.files import make_folder, whole_file
from genvae.items import kind_of
from genvae.places import sizes
from genvae.progress import Listener, ignore, tracked
from genvae.text import printable


def export_webdataset(store: ClipStore, folder: Path, *, per_tar: int, listener: Listener = ignore) -> list[Path]:
    """Write every clip of a store to `SPLIT-NUMBER.tar` in a folder; the same store gives the same bytes.

    A sample is `KEY.wav`, as exact as the store has it (for other items their kind's first format), and `KEY.json`
    with genre, split, source, recording, offset and licence. Clips of a recording stand together, as in the store.

    Args:
        store: that is written.
        folder: new or empty.
        per_tar: how many clips a file holds.
        listener: is told how many files there are.

    Returns:
        the files, in their order.

    Raises:
        StoreError: the folder holds something, or a shard is damaged.
        OSError: it can't be written.
    """
    if sizes(folder):
        raise StoreError(f"{printable(str(folder))} holds files already: name a new folder.")
    make_folder(folder)
    plan = []
    for split in SPLITS:
        numbers = store.select(split=split)
        for number, first in enumerate(range(0, len(numbers), per_tar)):
            plan.append((folder / f"{split}-{number:06d}.tar", numbers[first : first + per_tar].tolist()))
    for file, numbers in tracked(plan, "writing", listener):
        with whole_file(file) as target, tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for number in numbers:
                _add(tar, store, number)
    return [file for file, _ in plan]


def _add(tar: tarfile.TarFile, store: ClipStore, number: int) -> None:
    row = store.index[number]
    recording = store.recordings[row["recording"]]
    kind = kind_of(store.items, sample_rate=store.sample_rate, clip_samples=store.clip_samples)
    key = f"{recording.key}-{int(row['row']):06d}"
    told = {
        "genre": recording.genre,
        "split": recording.split,
        "source": recording.source,
        "recording": recording.id,
        "offset": int(row["offset"]),
        "licence": recording.licence,
    }
    for suffix, content in (
        (kind.suffixes[0], kind.encode(store.values([number])[0], kind.suffixes[0], {})),
        (".json", json.dumps(told).encode("ascii")),
    ):
        member = tarfile.TarInfo(f"{key}{suffix}")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
