"""How long the clips of a training step take to be read, from memory and from the disk; for docs/scale.md.

    python benchmarks/loading.py STORE [--batch-size 64] [--steps 50]

Where a store is larger than memory, the system forgets what it has read before a clip's turn comes again. So for each
step from the disk, the store is opened anew, after the system was asked to forget its shards (Linux, for files that
nobody else has open). `metrics.jsonl` of a training has `waiting`, the share of its time that steps waited for clips.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

from genvae.clips.store import ClipStore
from genvae.training.data import Batches


def forget(folder: Path) -> None:
    """Ask the system to forget what it holds of the files in a folder."""
    for path in folder.glob("*.npy"):
        file = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--steps", type=int, default=50)
    wish = parser.parse_args()

    def batches() -> Batches:
        store = ClipStore.open(wish.store)
        return Batches(store, store.select(split="train"), batch_size=wish.batch_size, seed=0, shift=True)

    seconds: dict[str, list[float]] = {"memory": [], "disk": []}
    warm = batches()
    for step in range(wish.steps):
        warm.at(step)  # so that it is in memory
        began = time.perf_counter()
        warm.at(step)
        seconds["memory"].append(time.perf_counter() - began)
    clips = len(warm.store)
    del warm
    for step in range(wish.steps):
        cold = batches()
        cold.numbers_at(step)  # the order of an epoch is drawn once
        forget(wish.store / "shards")
        began = time.perf_counter()
        cold.at(step)
        seconds["disk"].append(time.perf_counter() - began)
    print(f"\n{clips:,} clips, batches of {wish.batch_size}, {wish.steps} steps\n")
    print("| read from | ms a batch, median | 95 of 100 below |\n|---|---|---|")
    for name, values in seconds.items():
        late = sorted(values)[int(0.95 * len(values))]
        print(f"| {name} | {1000 * statistics.median(values):.1f} | {1000 * late:.1f} |")


if __name__ == "__main__":
    main()
