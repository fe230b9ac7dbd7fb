"""Verbs that make stores of clips: `prepare`, `merge_stores`, and `export_webdataset`, which writes one for others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genvae.errors import OptionError
from genvae.places import place
from genvae.progress import Listener, Message, listening
from genvae.verbs.given import names_of, open_store

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from genvae.clips.store import ClipStore
    from genvae.plugin.registry import Registry


def prepare(
    sources: Path | str | Iterable[Path | str],
    store: Path | str,
    *,
    dataset: str = "genvae:folder",
    options: Mapping[str, Any] | None = None,
    sample_rate: int = 22050,
    clip_ms: int = 1000,
    silence_db: float = -60.0,
    validation: float = 0.1,
    attributes: Iterable[str] = (),
    workers: int | None = None,
    executor: Executor | str | None = None,
    shard: str | None = None,
    progress: bool | Listener = True,
    registry: Registry | None = None,
) -> ClipStore:
    """Chop recordings into clips, in a store on disk.

    Only recordings that are new or changed are decoded. Interrupted anywhere and called again, it ends in the same
    bytes. What can't be read is skipped, counted and named in the store's `report`.

    Args:
        sources: what the dataset takes, one or several; for `folder` folders that hold one folder a genre.
        store: the folder to write; new, or a store to bring up to date.
        dataset: the plugin that lists the recordings.
        options: of the dataset, such as `{"dataset.recordings": 2}`.
        sample_rate: of the clips, in Hz.
        clip_ms: length of a clip, in milliseconds.
        silence_db: clips whose peak is below it are left out, in dB of full scale.
        validation: share of each genre's recordings that is held out.
        attributes: names of what is to be kept of each clip beyond its genre: `loudness` and `tempo`, which are found
            in the sound, and what the dataset's recordings say. A store goes on keeping what it keeps.
        workers: processes; None for one a core. They read the script that calls this, so it needs
            `if __name__ == "__main__":`.
        executor: runs the work in their place, one task a recording: `local:N`, `dask://HOST:PORT`, or any Executor;
            one of threads needs nothing of the script.
        shard: `i/N` for part i of N of the recordings, as a batch system's jobs prepare them, each into a store of its
            own; `merge_stores` joins them.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.
        registry: where plugins come from; None for what is installed.

    Raises:
        GenvaeError: a source that can't be used, no recording in any, or no worker process can start.
        OptionError: an option has a value that it does not take.
        PluginError: there is no such dataset, or it failed.
        StoreError: `store` is something else, was prepared with other settings or from other sources, or is in use.
        ClusterError: the executor can't be reached, or was lost; called again, it goes on.
    """
    from genvae.clips.executors import executor_named
    from genvae.clips.parts import Part
    from genvae.clips.prepare import prepare as prepare_store
    from genvae.clips.report import held_out
    from genvae.clips.store import ClipStore
    from genvae.clips.work import Settings
    from genvae.plugin.declarations import DatasetPlugin
    from genvae.plugin.options import by_section
    from genvae.plugin.registry import installed

    registry = registry or installed()
    named = sources if isinstance(sources, Iterable) and not isinstance(sources, str) else [sources]
    roots = [place(source) for source in named]
    values = by_section(options or {}, ["dataset"])["dataset"]
    plugin = registry.plugin("dataset", dataset)
    assert isinstance(plugin, DatasetPlugin)  # the registry has checked what each hook yields
    settings = Settings(
        dataset=plugin.name,
        sample_rate=sample_rate,
        clip_ms=clip_ms,
        silence_db=silence_db,
        validation=validation,
        items=plugin.items,
    )
    datasets = [registry.make("dataset", dataset, values, root) for root in roots]
    part = None if shard is None else Part.parse(shard)
    if isinstance(executor, str) and workers is not None:
        raise OptionError("`workers` are processes of our own, and `executor` says who works: leave one of them out.")
    with listening(progress) as listener:
        who = executor_named(executor, listener) if isinstance(executor, str) else nullcontext((executor, workers))
        with who as (pool, processes):
            prepared = prepare_store(
                datasets,
                place(store),
                settings,
                attributes=names_of(attributes) or (),
                executor=pool,
                workers=processes,
                part=part,
                listener=listener,
            )
        if prepared.removed:
            listener(Message("No longer in the sources, so taken out: " + ", ".join(prepared.removed)))
        if part is None and (warning := held_out(prepared.report, validation)):
            listener(Message(warning))
        changed = prepared.decoded or prepared.removed or prepared.measured
        what = f"{store}" if part is None else f"{store}, which is part {part}"
        listener(Message(f"Prepared {what}" if changed else f"Nothing to do for {what}"))
    return ClipStore.open(store)


def merge_stores(
    parts: Iterable[Path | str],
    store: Path | str,
    *,
    progress: bool | Listener = True,
    registry: Registry | None = None,
) -> ClipStore:
    """Join the parts that `prepare` with `shard` has made, to the store that one preparation of all would have made.

    Args:
        parts: the folders of all parts, in any order.
        store: the folder to write; new, or a store to bring up to date, whose recordings stay in their splits.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.
        registry: where plugins come from; None for what is installed.

    Raises:
        StoreError: a part is missing, unfinished, damaged or of another store; or `store` is something else.
        PluginError: no plugin knows the items.
    """
    from genvae.clips.merge import merge
    from genvae.clips.report import held_out
    from genvae.clips.store import ClipStore
    from genvae.plugin.registry import installed

    with listening(progress) as listener:
        merged = merge([place(part) for part in parts], place(store), registry or installed(), listener=listener)
        if merged.removed:
            listener(Message("No longer in the parts, so taken out: " + ", ".join(merged.removed)))
        opened = ClipStore.open(store)
        if warning := held_out(merged.report, opened.settings["validation"]):
            listener(Message(warning))
        listener(Message(f"Joined the parts in {store}"))
    return opened


def export_webdataset(
    store: ClipStore | Path | str,
    folder: Path | str,
    *,
    per_tar: int = 1000,
    progress: bool | Listener = True,
    registry: Registry | None = None,
) -> list[Path]:
    """Write a store's clips as WebDataset: tar files with a wav and a JSON file for each clip.

    Args:
        store: a clip store, or its folder.
        folder: new or empty.
        per_tar: how many clips a file holds.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.
        registry: where plugins come from; None for what is installed.

    Returns:
        the files, `SPLIT-NUMBER.tar`.

    Raises:
        StoreError: there is no such store, it is damaged, or the folder holds something.
        PluginError: no plugin knows the items.
    """
    from genvae.clips.webdataset import export_webdataset as export
    from genvae.plugin.registry import installed

    opened = open_store(store)
    (registry or installed()).require_items(opened.items)
    with listening(progress) as listener:
        return export(opened, place(folder), per_tar=per_tar, listener=listener)
