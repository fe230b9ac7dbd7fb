"""Prepares a clip store: lists the recordings, does what is not done yet, and writes the index over all of it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any

from genvae.clips.assemble import assemble, of_part, write_if_changed
from genvae.clips.attributes import Wanted, kept_names, wanted
from genvae.clips.estimates import FOLDER, Values, estimated, forget
from genvae.clips.parts import FILE as PART_FILE
from genvae.clips.parts import Part, part_json
from genvae.clips.report import Entry
from genvae.clips.shard import Seal, map_shard, read_seals, remove_shard, shard_key, stored_keys
from genvae.clips.store import FORMAT, SPLITS, StoredRecording, read_head, stored_recordings
from genvae.clips.work import Settings, Task
from genvae.clips.workers import Outcome, run_tasks
from genvae.errors import GenvaeError, PluginError, StoreError, nearest
from genvae.files import held_alone, make_folder, require_space, sweep
from genvae.interfaces.dataset import Dataset, Recording
from genvae.places import is_remote, reaching
from genvae.plugin.guard import BrokenContract, defined_at, guarded, named
from genvae.progress import Listener, Progress, ignore
from genvae.text import printable

_TRIED = (
    8  # recordings, or a twentieth of all if that is more, from which follows whether the disk has room for the rest
)


@dataclass(frozen=True)
class Prepared:
    """What a run of `prepare` did.

    Attributes:
        report: on the whole store, as in report.json.
        decoded: number of recordings that this run decoded or tried to.
        removed: recordings that the sources no longer have, as `source/id` where it is known.
        measured: number of recordings of which this run estimated attributes.
    """

    report: dict[str, Any]
    decoded: int
    removed: list[str] = field(default_factory=list)
    measured: int = 0


def prepare(
    datasets: Sequence[Dataset],
    out: Path,
    settings: Settings,
    *,
    attributes: Collection[str] = (),
    executor: Executor | None = None,
    workers: int | None = None,
    part: Part | None = None,
    listener: Listener = ignore,
) -> Prepared:
    """Bring the store in the folder `out` in line with the recordings of `datasets`, one for each source.

    Only recordings that are new or changed are decoded. Interrupted anywhere and run again, it ends in the same bytes.
    A script that calls this needs `if __name__ == "__main__":`, unless its executor is one of threads.

    Args:
        datasets: where the recordings come from.
        out: the store's folder.
        settings: of the store.
        attributes: names of what is to be kept of each clip beyond its genre, beside what the store keeps already.
        executor: runs the work, one task a recording; None for processes of our own.
        workers: how many of those; None for one a core.
        part: that `out` is to be, with the recordings whose keys it holds; None for the whole store.
        listener: is told how many recordings are done, with the name of the last one.

    Raises:
        GenvaeError: a source that can't be used, no recording in any, or no worker process can start.
        OptionError: there is no such attribute.
        StoreError: `out` is something else, was prepared with other settings or from other sources, or is in use.
        DiskError: it can't be written, or has not half the room that the first recordings let expect.
    """
    listed = _list_recordings(datasets, settings.dataset)
    sources = sorted({source for source, _ in listed.values()})
    out = out.absolute()
    require_store_or_empty(out)
    recordings = [recording for _, recording in listed.values()]
    kept = wanted(attributes, kept_names(out), recordings, sounds=settings.sounds)
    if part is not None:
        mine = [part.holds(key) for key in listed]
        listed = dict(compress(listed.items(), mine))
        kept = [replace(each, said=tuple(compress(each.said, mine))) for each in kept]
    shards = out / "shards"
    make_folder(shards)
    with held_alone(out, StoreError(f"Another process is preparing {printable(str(out))}.")):
        head = read_head(out)
        recording_names = require_same(head, settings, sources, out, part) if head else ()
        sweep(out)
        sweep(shards)
        outcomes: dict[str, Outcome] = {}
        tasks = []
        seals = read_seals(shards, listed)
        for key, (source, recording) in listed.items():
            seal = seals.get(key)
            signature = (recording.fingerprint, settings.content_digest())
            if seal is not None and (seal.fingerprint, seal.settings) == signature:
                outcomes[key] = seal
            else:
                tasks.append(Task(shards, key, source, recording, settings))
        stale_keys = sorted((present := stored_keys(shards)) - listed.keys())
        if tasks or stale_keys or head is None:
            # From here to the end the shards and the index may disagree, so the store says that it is unfinished.
            # It keeps what it held, so that splits outlast a run that is killed.
            began = {"format": FORMAT, "complete": False, "settings": settings.to_json(), "sources": sources}
            (out / PART_FILE).unlink(missing_ok=True)
            began |= of_part(part)
            write_if_changed(out / "store.json", began | {"recordings": [asdict(each) for each in recording_names]})
        # Here rather than where the new shard is written: the workers of a run that was killed live a moment longer,
        # and may write what this run writes, but must not remove it.
        for key in (*stale_keys, *(task.key for task in tasks)):
            if key in present:
                remove_shard(shards, key)
        _decode(tasks, outcomes, executor, workers or os.cpu_count() or 1, listener)
        entries = [
            Entry(source=source, recording=recording, seal=o, failure="")
            if not isinstance(o := outcomes[key], str)
            else Entry(source=source, recording=recording, seal=None, failure=o)
            for key, (source, recording) in listed.items()
        ]
        sweep(shards)
        if executor is not None or is_remote(shards):
            _require_here(shards, outcomes)
        estimates, measured = _estimates(out, entries, kept, settings, listener)
        found = [each.of([entry.clips for entry in entries], estimates) for each in kept]
        report = assemble(out, entries, settings, sources, recording_names, found, part)
        if part is not None:
            write_if_changed(out / PART_FILE, part_json(entries))
    names = {each.key: f"{each.source}/{each.id}" for each in recording_names}
    return Prepared(report, len(tasks), [names.get(key, key) for key in stale_keys], measured)


def _estimates(
    out: Path, entries: Sequence[Entry], kept: Sequence[Wanted], settings: Settings, listener: Listener
) -> tuple[list[dict[str, Values]], int]:
    """What is found in the clips of each recording, and in how many it had to be looked for."""
    folder = out / FOLDER
    forget(folder, {entry.seal.key for entry in entries if entry.seal and entry.clips})
    sweep(folder)
    found: list[dict[str, Values]] = []
    computed = 0
    for number, entry in enumerate(entries):
        values: dict[str, Values] = {}
        names = [each.name for each in kept if each.estimable and math.isnan(each.said[number])]
        if names and entry.seal and entry.clips:
            seal, shape = entry.seal, (settings.clip_samples,)
            clips = partial(map_shard, out / "shards", seal.key, seal.clips, shape, "<i2")
            values, new = estimated(folder, seal.key, seal.digest, names, clips, seal.offsets, settings.sample_rate)
            computed += new
            if new:
                listener(Progress("listening for attributes", number + 1, len(entries), entry.recording.id[-40:]))
        found.append(values)
    return found, computed


def _decode(
    tasks: Sequence[Task],
    outcomes: dict[str, Outcome],
    executor: Executor | None,
    workers: int,
    listener: Listener,
) -> None:
    count = 0

    def done(task: Task, outcome: Outcome) -> None:
        nonlocal count
        count += 1
        outcomes[task.key] = outcome
        if count == max(_TRIED, len(tasks) // 20):
            size = sum(o.bytes for each in tasks if isinstance(o := outcomes.get(each.key), Seal))
            expected = size / count * (len(tasks) - count)
            require_space(task.folder, expected / 2, f"The clips of the other {len(tasks) - count} recordings need")
        listener(Progress("decoding", count, len(tasks), task.recording.id[-40:]))

    if tasks:
        listener(Progress("decoding", 0, len(tasks)))
        run_tasks(tasks, executor=executor, workers=workers, done=done)


def _require_here(shards: Path, outcomes: dict[str, Outcome]) -> None:
    """See that what other machines sealed is here too; behind `sweep`, which has a network's folder listed anew."""
    present = stored_keys(shards)
    for key, outcome in outcomes.items():
        if isinstance(outcome, Seal) and key not in present:
            what = f"What the workers wrote is not in {printable(str(shards))}"
            raise StoreError(f"{what}: they must see the store in the same place as this machine.")


def _list_recordings(datasets: Sequence[Dataset], name: str) -> dict[str, tuple[str, Recording]]:
    """Every recording by the key of its shard, with the label of its source, in the order of label and id."""
    listed: dict[str, tuple[str, Recording]] = {}
    for label, dataset in _labelled(datasets):
        with guarded(
            f"The dataset {name!r} failed while listing {printable(str(dataset.root))}", type(dataset).__module__
        ):
            recordings = [_recording(each, dataset.recordings) for each in dataset.recordings()]
        for recording in recordings:
            key = shard_key(name, label, recording.id)
            if key in listed:
                what = f"The dataset {name!r} has two recordings {printable(recording.id)!r} in {label!r}"
                raise PluginError(f"{what}; each needs an id of its own.")
            if recording.split not in (None, *SPLITS):
                what = f"The dataset {name!r} puts {printable(recording.id)!r} in the split {recording.split!r}"
                raise PluginError(f"{what}. {nearest(str(recording.split), SPLITS)}")
            listed[key] = (label, recording)
    if not listed:
        roots = ", ".join(printable(str(dataset.root)) for dataset in datasets)
        raise GenvaeError(f"There are no recordings in {roots}.")
    return dict(sorted(listed.items(), key=lambda item: (item[1][0], item[1][1].id)))


def _recording(value: object, method: Callable[..., Any]) -> Recording:
    """What a dataset has yielded.

    Raises:
        BrokenContract: it is no recording with an id and a genre.
    """
    who = f"{method.__name__}{defined_at(method)}"
    if not isinstance(value, Recording):
        cure = "yield genvae.Recording(id=..., genre=..., open=..., fingerprint=...)"
        raise BrokenContract(f"{who} yields {named(value)}, expected recordings: {cure}")
    for name in ("id", "genre", "fingerprint"):
        if not isinstance(given := getattr(value, name), str):
            raise BrokenContract(f"{who} yields a recording whose {name} is {given!r}, expected text: str({given!r})")
    return value


def _labelled(datasets: Sequence[Dataset]) -> Iterator[tuple[str, Dataset]]:
    """Each dataset with a label: its folder's name rather than its path, so that a corpus may be moved."""
    counts: dict[str, int] = {}
    unique = {dataset.root.resolve(): dataset for dataset in datasets}  # a source that is named twice counts once
    for root, dataset in sorted(unique.items(), key=lambda item: item[0].parts):
        label = root.name or str(root)
        counts[label] = counts.get(label, 0) + 1
        yield (label if counts[label] == 1 else f"{label} ({counts[label]})"), dataset


def require_store_or_empty(out: Path) -> None:
    """Refuse a place that holds something else.

    Raises:
        StoreError: it does.
    """
    with reaching(out):
        if out.exists() and not out.is_dir():
            raise StoreError(f"{printable(str(out))} is a file: name a folder for `store`.")
        if not out.is_dir() or (out / "store.json").exists():
            return
        other = sorted(p.name for p in out.iterdir() if not p.name.startswith(".") and p.name != "shards")
    if other:
        what = f"The folder {printable(str(out))} holds other files ({printable(other[0])}) and is no clip store"
        raise StoreError(f"{what}: name a new folder for `store`.")


def require_same(
    head: dict[str, Any], settings: Settings, sources: Sequence[str], out: Path, part: Part | None
) -> tuple[StoredRecording, ...]:
    """Refuse to mix settings or parts, or to drop a whole source; returns the recordings that the store knows.

    Raises:
        StoreError: the store was prepared otherwise, or is damaged.
    """
    is_now = of_part(part).get("part", "1/1")
    if (was := head.get("part", "1/1")) != is_now:
        raise StoreError(f"The store {printable(str(out))} is part {was} (now {is_now}). Name another `store`.")
    now, before = settings.to_json(), head["settings"]
    differing = [f"{name} {before.get(name)} (now {now[name]})" for name in now if before.get(name) != now[name]]
    if differing:
        what = f"The store {printable(str(out))} was prepared with {', '.join(differing)}"
        raise StoreError(f"{what}. Use the same settings, or another `store`.")
    held = head.get("sources", [])
    missing = [str(source) for source in held if source not in sources] if isinstance(held, list) else []
    if missing:
        what = f"The store {printable(str(out))} also holds recordings of {', '.join(map(printable, missing))}"
        raise StoreError(f"{what}. Name all `sources` at once, or another `store`.")
    try:
        return stored_recordings(head.get("recordings", []))
    except ValueError as error:
        raise StoreError(
            f"{out / 'store.json'} is damaged ({error}). Delete it and prepare the store again."
        ) from error
