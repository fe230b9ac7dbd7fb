"""Joins the parts of a store: their shards come together, and splits, index and report are those of one preparation."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from genvae.clips.assemble import assemble, write_if_changed
from genvae.clips.attributes import ClipAttribute, joined
from genvae.clips.estimates import bring_estimates
from genvae.clips.parts import StoredPart
from genvae.clips.prepare import Prepared, require_same, require_store_or_empty
from genvae.clips.report import Entry
from genvae.clips.shard import Seal, read_seals, remove_shard, shard_path, stored_keys, write_seal
from genvae.clips.store import FORMAT, ClipStore, read_head
from genvae.errors import StoreError
from genvae.files import held_alone, make_folder, sweep, whole_file
from genvae.places import open_bytes
from genvae.plugin.registry import Registry
from genvae.progress import Listener, ignore, tracked
from genvae.text import printable


def merge(parts: Sequence[Path], out: Path, registry: Registry, *, listener: Listener = ignore) -> Prepared:
    """Bring the store in the folder `out` in line with its parts, as preparing it in one go would.

    What `out` holds already stays in its splits. The shards are linked where that is possible, and copied else.

    Args:
        parts: folders of all of them, in any order.
        out: the store's folder.
        registry: of the plugins that are installed, one of which must know the items.
        listener: is told how many shards are there.

    Raises:
        StoreError: a part is missing, unfinished, damaged or of another store; or `out` is something else.
        PluginError: no plugin knows the items.
        OSError: it can't be written.
    """
    opened = sorted((StoredPart.open(path) for path in parts), key=lambda each: each.part.number)
    _require_all(opened)
    first = opened[0]
    registry.require_items(first.settings.items)
    homes = {entry.seal.key: each.path for each in opened for entry in each.entries if entry.seal}
    entries = [entry for each in opened for entry in each.entries]
    entries.sort(key=lambda entry: (entry.source, entry.recording.id))
    out = out.absolute()
    require_store_or_empty(out)
    shards = out / "shards"
    make_folder(shards)
    with held_alone(out, StoreError(f"Another process is preparing {printable(str(out))}.")):
        head = read_head(out)
        sources = list(first.sources)
        stored = require_same(head, first.settings, sources, out, None) if head else ()
        sweep(out)
        sweep(shards)
        held = read_seals(shards, homes)
        new = [entry.seal for entry in entries if entry.seal and held.get(entry.seal.key) != entry.seal]
        stale = sorted(stored_keys(shards) - homes.keys())
        if new or stale or head is None:
            began = {"format": FORMAT, "complete": False, "settings": first.settings.to_json(), "sources": sources}
            write_if_changed(out / "store.json", began | {"recordings": [asdict(each) for each in stored]})
        for key in stale:
            remove_shard(shards, key)
        for seal in tracked(new, "joining", listener):
            remove_shard(shards, seal.key)
            _bring(homes[seal.key] / "shards", shards, seal)
        for key, home in homes.items():
            bring_estimates(home, out, key)
        report = assemble(out, entries, first.settings, sources, stored, _attributes(opened, entries))
    names = {each.key: f"{each.source}/{each.id}" for each in stored}
    return Prepared(report, len(new), [names.get(key, key) for key in stale])


def _attributes(parts: Sequence[StoredPart], entries: Sequence[Entry]) -> list[ClipAttribute]:
    """What the parts keep of the clips of entries, in their order.

    Raises:
        StoreError: some keep an attribute, and others do not.
    """
    stores = [ClipStore.open(each.path) for each in parts]
    kept = {name for store in stores for name in store.attributes}
    for part, store in zip(parts, stores, strict=True):
        if missing := sorted(kept - store.attributes.keys()):
            raise StoreError(
                f"{printable(str(part.path))} does not keep the attribute {missing[0]!r}, which others do. Prepare all "
                "parts alike."
            )
    places: dict[str, tuple[ClipStore, slice]] = {}
    for store in stores:
        start = 0
        for each in store.recordings:  # whose clips follow each other in that order
            places[each.key] = store, slice(start, start := start + each.clips)
    there = [places[entry.seal.key] for entry in entries if entry.seal and entry.seal.clips]
    try:
        return [joined([(store.attributes[name], rows) for store, rows in there]) for name in sorted(kept) if there]
    except ValueError as error:
        raise StoreError(f"{str(error).capitalize()}. Prepare all parts from the same recordings.") from error


def _require_all(parts: Sequence[StoredPart]) -> None:
    """Refuse parts that are not all of one store, each once."""
    if not parts:
        raise StoreError("There are no parts to join.")
    first = parts[0]
    for each in parts:
        shown = printable(str(each.path))
        if each.part.of != first.part.of:
            raise StoreError(f"{shown} is part {each.part}, and {printable(str(first.path))} is part {first.part}.")
        if each.settings != first.settings or each.sources != first.sources:
            raise StoreError(
                f"{shown} was prepared with other settings or sources than {printable(str(first.path))}. Prepare all "
                "parts alike."
            )
    numbers = [each.part.number for each in parts]
    for number in range(1, first.part.of + 1):
        if numbers.count(number) != 1:
            what = "is missing" if number not in numbers else "is there more than once"
            raise StoreError(f"Part {number}/{first.part.of} {what}: name every part once.")


def _bring(origin: Path, folder: Path, seal: Seal) -> None:
    """Have a shard in another folder too, its seal last."""
    if seal.clips:
        source, target = shard_path(origin, seal.key), shard_path(folder, seal.key)
        try:
            os.link(source, target)
        except (OSError, TypeError):  # on another file system, on one without links, or not a file of this machine
            with open_bytes(source) as file, whole_file(target) as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
    write_seal(folder, seal)
