"""Checks of datasets: ids, genres, and recordings that open and reopen, here and in a process without a network."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import pickle
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genvae.errors import GenvaeError, ItemError
from genvae.interfaces.dataset import Dataset, Recording
from genvae.plugin.declarations import SOUNDS, DatasetPlugin
from genvae.plugin.registry import use_file
from genvae.testing import fresh
from genvae.testing.check import check
from genvae.testing.failure import CheckFailure, expect
from genvae.testing.items import item_kind
from genvae.testing.sounds import write_example
from genvae.testing.subject import Subject

MOST = 8
"""Recordings that are opened; all of a large dataset would take long."""


def source_of(subject: Subject) -> Path:
    """The source to read: the one that was named, or an example, written once."""
    if "source" not in subject.cache:
        chosen = subject.source
        if chosen is None:
            chosen = write_example
        subject.cache["source"] = Path(chosen) if isinstance(chosen, str | Path) else chosen(subject.folder("source"))
    source: Path = subject.cache["source"]
    return source


def _dataset(subject: Subject) -> Dataset:
    dataset: Dataset = subject.make(source_of(subject))
    return dataset


def _recordings(subject: Subject) -> list[Recording]:
    try:
        recordings = list(_dataset(subject).recordings())
    except GenvaeError as error:
        if subject.source is None:
            what = "recordings from SOURCE/GENRE/*.wav; name a source of another form with --source, or source="
            raise CheckFailure(what, str(error)) from error
        raise
    if not recordings:
        raise CheckFailure(f"recordings in {source_of(subject)}", "none")
    return recordings


@check
def lists_recordings(subject: Subject) -> None:
    """Every recording has an id of its own, a genre and a fingerprint; its attributes are numbers or words."""
    recordings = _recordings(subject)
    for each in recordings:
        if not isinstance(each, Recording):
            raise CheckFailure("`recordings` to yield genvae.Recording", type(each).__name__)
        for name in ("id", "genre", "fingerprint"):
            value = getattr(each, name)
            expect(isinstance(value, str) and bool(value), f"a text as `{name}` of {each.id!r}", repr(value))
        expect(
            each.split in (None, "train", "validation"), "`split` to be None, 'train' or 'validation'", repr(each.split)
        )
        given: Mapping[Any, Any] = each.attributes or {}  # by a stranger
        for name, value in given.items():
            said = isinstance(name, str) and not isinstance(value, bool) and isinstance(value, int | float | str)
            finite = not isinstance(value, float) or math.isfinite(value)
            expect(
                said and finite and value != "", f"a number or a word as attribute {name!r} of {each.id!r}", repr(value)
            )
    twice = [id for id, count in Counter(each.id for each in recordings).items() if count > 1]
    expect(not twice, "an id of its own for each recording", f"{len(twice)} ids come more than once: {twice[:3]}")


@check
def is_the_same_every_time(subject: Subject) -> None:
    """Listed again, here and in a new process, ids, genres and fingerprints come in the same order."""
    first = [_facts(each) for each in _recordings(subject)]
    what = "the same recordings in the same order"
    expect([_facts(each) for each in _recordings(subject)] == first, f"{what} when listed again", "others")
    elsewhere = fresh.call(
        "genvae.testing.check_datasets:list_elsewhere",
        {
            "kind": subject.kind,
            "name": subject.name,
            "options": subject.options.get("dataset", {}),
            "source": str(source_of(subject)),
            "file": None if subject.paths else _named_file(subject),
        },
        paths=subject.paths,
    )
    expect(elsewhere == first, f"{what} in a new process (sets and hashes differ from one to the next)", "others")


def list_elsewhere(kind: str, name: str, options: dict[str, Any], source: str, file: str | None) -> list[list[str]]:
    """What a dataset lists, in the process that calls this."""
    from genvae.plugin.registry import installed

    if file:
        use_file(Path(file))
    return [_facts(each) for each in installed().make(kind, name, options, Path(source)).recordings()]


def _named_file(subject: Subject) -> str | None:
    """The file that a plugin comes from, if it was named with --plugin."""
    return subject.row.origin if subject.row.distribution.endswith(".py") else None


@check
def opens_and_reopens(subject: Subject) -> None:
    """A recording can be opened again and again, and gives the same samples in blocks of any size."""
    opened, items = 0, _items(subject)
    for each in _recordings(subject)[:MOST]:
        try:
            first = _read(each, 4096, items)
        except ItemError:
            continue  # a recording that can't be read is no fault of the dataset's
        opened += 1
        for block in (4096, 1000):
            again = _read(each, block, items)
            same = again.shape == first.shape and np.array_equal(again, first)
            expect(same, f"the same samples of {each.id!r} when it is opened again (blocks of {block})", "others")
    expect(opened > 0, "a recording that opens", f"an ItemError from each of the first {MOST}")


@check
def reads_in_other_processes(subject: Subject) -> None:
    """Recordings pickle, and open in a new process, where nothing may ask the network."""
    recordings, items = _recordings(subject)[:MOST], _items(subject)
    try:
        pickled = base64.b64encode(pickle.dumps(recordings)).decode()
    except Exception as error:
        raise CheckFailure(
            "recordings that pickle: `open` as functools.partial of a class or a function, no lambda",
            f"{type(error).__name__}: {error}",
        ) from error
    elsewhere = fresh.call(
        "genvae.testing.check_datasets:read_elsewhere", {"pickled": pickled, "items": items}, paths=subject.paths
    )
    expect(elsewhere == [_digest(each, items) for each in recordings], "the same samples in a new process", "others")


def read_elsewhere(pickled: str, items: str) -> list[str]:
    """Digests of recordings that were pickled, read without a network in the process that calls this."""

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
            address = arguments[1] if event == "socket.connect" else arguments[0]
            raise CheckFailure(
                "no network when a recording is read: fetch in `genvae prepare`'s listing, or before",
                f"{event} to {address!r}",
            )

    recordings = pickle.loads(base64.b64decode(pickled))  # what this check has pickled itself
    sys.addaudithook(refuse)
    return [_digest(each, items) for each in recordings]


def _items(subject: Subject) -> str:
    """The kind of items that a dataset gives."""
    return subject.plugin.items if isinstance(subject.plugin, DatasetPlugin) else SOUNDS


def _digest(recording: Recording, items: str) -> str:
    try:
        return hashlib.blake2b(_read(recording, 4096, items).tobytes()).hexdigest()
    except ItemError:
        return "unreadable"


def _facts(recording: Recording) -> list[str]:
    values = (recording.id, recording.genre, recording.fingerprint, recording.group, recording.split)
    return [*map(str, values), json.dumps(dict(recording.attributes or {}), sort_keys=True)]


def _read(recording: Recording, block: int, items: str) -> Any:
    """All samples [frames, channels], each block checked; or all items, each checked."""
    if items != SOUNDS:
        kind, read = item_kind(items), list(recording.open())
        for item in read:
            wrong = kind.check(item)
            expect(not wrong, f"items of {recording.id!r} as their kind wants them", str(wrong))
        return np.stack(read)
    blocks = []
    with recording.open() as stream:
        rate, channels = stream.sample_rate, stream.channels
        expect(rate > 0 and channels >= 1, "a sample_rate above 0 and at least one channel", f"{rate} and {channels}")
        part: Any  # a stranger's: its type is what is checked
        for part in stream.blocks(block):
            right = isinstance(part, np.ndarray) and part.dtype == np.float32 and part.ndim == 2
            shown = f"{part.dtype} {list(part.shape)}" if isinstance(part, np.ndarray) else type(part).__name__
            expect(right and part.shape[1] == channels, f"blocks of float32 [n, {channels}]", shown)
            expect(0 < len(part) <= block, f"blocks of 1 to {block} samples", f"{len(part)}")
            blocks.append(part.copy())
    whole = np.concatenate(blocks) if blocks else np.zeros((0, channels), np.float32)
    finite = whole[np.isfinite(whole)]
    loudest = float(np.abs(finite).max()) if finite.size else 0.0
    expect(loudest <= 4, "full scale at ±1", f"a sample of {loudest:.4g}: divide by the largest integer of the format")
    return whole
