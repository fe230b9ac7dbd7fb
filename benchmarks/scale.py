"""A store of millions of clips, its index written, opened, counted, split, sampled; prints a table for docs/scale.md.

python benchmarks/scale.py                      # 0.36, 3.6 and 36 million clips: minutes, 3 GB of disk, 8 of memory
python benchmarks/scale.py --clips 360000       # fewer
python benchmarks/scale.py --parquet            # beside it the same index as Parquet, where pyarrow is installed

The store is synthetic: recordings of four minutes in 20 genres, whose shards are sparse files, so that all is measured
but the reading of sound from the disk. Each stage runs in a process of its own. Seconds are processor time on one
thread. Of the memory, `own` is what the stage leaves behind for the process alone, and `peak` the most that it reaches,
with pages of mapped files, which the system takes back where it needs them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from genvae.clips.assemble import assemble
from genvae.clips.report import Entry
from genvae.clips.shard import Seal, offsets_of, peaks_of, shard_key, shard_path
from genvae.clips.splits import Candidate, choose_splits
from genvae.clips.store import ClipStore
from genvae.clips.work import Settings
from genvae.interfaces.dataset import Recording
from genvae.training.data import Batches

CLIPS = (360_000, 3_600_000, 36_000_000)
EACH = 240  # clips of a recording
RATE = 22_050
GENRES = 20
STEPS, BATCH = 200, 64
HEADER = 128  # bytes before the samples in a shard
STAGES = {
    "seals": "seals of all recordings, held by `prepare`",
    "write": "the index written from the seals",
    "open": "store opened and checked",
    "info": "counted by genre and split",
    "splits": "splits chosen anew",
    "select": "training clips listed",
    "epoch": "an epoch shuffled, first step",
    "steps": f"{STEPS} steps of {BATCH} after it: which clips",
    "read": f"{STEPS} steps of {BATCH} after it: read",
    "parquet": "index as Parquet, read whole",
}


def entries(recordings: int, *, alike: bool = False) -> list[Entry]:
    """What workers have told of recordings: no two are copies. What is `alike` shares its offsets and peaks."""
    made = []
    offsets, peaks = range(0, RATE * EACH, RATE), [104_729 * clip % 32_768 for clip in range(EACH)]
    same_offsets, same_peaks = offsets_of(offsets), peaks_of(peaks)
    for number in range(recordings):
        genre, name = f"genre-{number % GENRES:02d}", f"album/{number:06d}.flac"
        key, digest = shard_key("synthetic", "music", name), blake2b(name.encode(), digest_size=16).hexdigest()
        seal = Seal(
            key=key,
            source="music",
            id=name,
            fingerprint="1",
            settings="1",
            state="kept",
            reason="",
            seconds=float(EACH),
            clips=EACH,
            silent=0,
            refused=0,
            clipped=0,
            bytes=HEADER + 2 * RATE * EACH,
            digest=digest,
            offsets=same_offsets if alike else offsets_of(offsets),
            peaks=same_peaks if alike else peaks_of((peak + 7_919 * number) % 32_768 for peak in peaks),
        )
        recording = Recording(id=name, genre=genre, open=Path, fingerprint="1")
        made.append(Entry(source="music", recording=recording, seal=seal))
    return made


def write_shards(folder: Path, recordings: int) -> None:
    """A sparse file of the right size for each recording."""
    folder.mkdir(parents=True)
    header: bytes | None = None
    for number in range(recordings):
        path = shard_path(folder, shard_key("synthetic", "music", f"album/{number:06d}.flac"))
        with path.open("w+b") as file:
            if header is None:
                shape = {"descr": "<i2", "fortran_order": False, "shape": (EACH, RATE)}
                np.lib.format.write_array_header_1_0(file, shape)
                file.seek(0)
                header = file.read()
            else:
                file.write(header)
            file.truncate(len(header) + 2 * RATE * EACH)


def stage(name: str, folder: Path, recordings: int) -> Callable[[], Any]:
    """What is measured in a stage; what it needs is made here."""
    if name == "seals":
        return partial(entries, recordings)
    if name == "write":
        told = entries(recordings, alike=True)  # which takes no time; `seals` has what they take
        return lambda: assemble(folder, told, Settings(), ["music"], ())
    if name == "open":
        return partial(ClipStore.open, folder)
    if name == "splits":
        digests = [blake2b(str(number).encode(), digest_size=16).hexdigest() for number in range(recordings)]
        known = [Candidate(genre=str(number % GENRES), digest=each) for number, each in enumerate(digests)]
        return partial(choose_splits, known, 0.1)
    if name == "parquet":
        write_parquet(folder)
        return partial(read_parquet, folder)
    store = opened(folder)
    if name == "info":
        return store.counts
    if name == "select":
        return partial(store.select, split="train")
    batches = Batches(store, store.select(split="train"), batch_size=BATCH, seed=0, shift=True)
    if name == "epoch":
        return partial(batches.numbers_at, 0)
    batches.numbers_at(0)
    one = batches.numbers_at if name == "steps" else batches.at
    return lambda: [len(one(step)) for step in range(STEPS)]


@cache
def opened(folder: Path) -> ClipStore:
    """The store, which the process of a stage has from this one, where it was opened before."""
    return ClipStore.open(folder)


def read_parquet(folder: Path) -> Any:
    """The columns of the index, from a Parquet file."""
    from pyarrow import parquet

    return parquet.read_table(folder / "index.parquet", use_threads=False)


def write_parquet(folder: Path) -> None:
    """The index as Parquet, with pyarrow's defaults."""
    import pyarrow
    from pyarrow import parquet

    index = opened(folder).index
    columns = {name: np.ascontiguousarray(index[name]) for name in index.dtype.names or ()}
    parquet.write_table(pyarrow.table(columns), folder / "index.parquet")


def memory() -> dict[str, float]:
    """Megabytes of this process: resident ones that are its own, all resident ones, and the most that there were."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(lines[name].split()[0]) / 1024 for name in ("RssAnon", "VmRSS", "VmHWM")}


def measure(name: str, folder: Path, recordings: int) -> dict[str, float]:
    """Seconds and megabytes of a stage."""
    do = stage(name, folder, recordings)
    Path("/proc/self/clear_refs").write_text("5")  # the most so far is what there is now
    before, began = memory(), time.process_time()
    kept = do()
    seconds, after = time.process_time() - began, memory()
    del kept
    return {
        "seconds": seconds,
        "own": after["RssAnon"] - before["RssAnon"],
        "peak": after["VmHWM"] - before["VmRSS"],
    }


def row(name: str, measured: list[dict[str, float]]) -> str:
    """A line of the table."""
    cells = [f"{each['seconds']:.2f} s, {each['own']:.0f} / {each['peak']:.0f} MB" for each in measured]
    return f"| {STAGES[name]} | " + " | ".join(cells) + " |"


def main() -> None:
    """Measure each stage at each size."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--clips", type=int, nargs="+", default=list(CLIPS))
    options.add_argument("--parquet", action="store_true", help="also read the index as Parquet")
    options.add_argument("--folder", type=Path, help="keep the stores there, and use those that are there")
    options.add_argument("--stages", nargs="+", choices=list(STAGES), help="these alone")
    chosen = options.parse_args()
    names = chosen.stages or [name for name in STAGES if chosen.parquet or name != "parquet"]
    table: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    sizes: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        for clips in chosen.clips:
            folder, recordings = (chosen.folder or Path(temporary)) / str(clips), max(clips // EACH, 2 * GENRES)
            if not folder.exists():
                write_shards(folder / "shards", recordings)
            for name in names:
                if name in ("info", "select", "epoch", "steps", "read", "parquet"):
                    opened(folder)
                with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as alone:
                    table[name].append(alone.submit(measure, name, folder, recordings).result())
                print(clips, name, table[name][-1], file=sys.stderr, flush=True)
            files = ("index.npy", "store.json", "report.json", "index.parquet")
            bytes_of = [(file, (folder / file).stat().st_size) for file in files if (folder / file).exists()]
            sizes.append("; ".join(f"{file} {size / 1e6:,.1f} MB" for file, size in bytes_of))
    print("| | " + " | ".join(f"{clips:,} clips" for clips in chosen.clips) + " |")
    print("|---" * (1 + len(sizes)) + "|")
    for name in names:
        print(row(name, table[name]))
    print("| files | " + " | ".join(sizes) + " |")


if __name__ == "__main__":
    main()
