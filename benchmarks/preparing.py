"""What each way of preparing costs, for docs/scale.md: one process, two, a Dask cluster, and four parts joined.

    python benchmarks/preparing.py MUSIC [--workers 2] [--ways one,processes,dask,parts]

MUSIC holds a folder of recordings for each genre. It prints a row a way: seconds by the clock, seconds of processor
time of all processes that took part (of a cluster its scheduler and workers too, from their start to their end), and
the store's digest. Clocks mean little on a machine that has other work; processor time means the same anywhere.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from genvae.clips.store import ClipStore

Way = Callable[[Path, Path, int], None]


def genvae(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "genvae", *map(str, words)], check=True, capture_output=True)


def one(music: Path, out: Path, workers: int) -> None:
    genvae("prepare", music, "--out", out, "--executor", "local:1")


def processes(music: Path, out: Path, workers: int) -> None:
    genvae("prepare", music, "--out", out, "--executor", f"local:{workers}")


def dask(music: Path, out: Path, workers: int) -> None:
    with cluster(workers, out.with_suffix(".json")) as name:
        genvae("prepare", music, "--out", out, "--executor", name)


def parts(music: Path, out: Path, workers: int) -> None:
    for number in (1, 2, 3, 4):
        part = out.with_name(f"part-{number}")
        genvae("prepare", music, "--out", part, "--shard", f"{number}/4", "--executor", "local:1")
    genvae("store", "merge", *(out.with_name(f"part-{number}") for number in (1, 2, 3, 4)), "--out", out)


@contextmanager
def cluster(workers: int, file: Path) -> Iterator[str]:
    """A Dask scheduler and workers of one thread, each a process of this machine."""
    from distributed import Client

    def start(what: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--scheduler-file", str(file)]
        silent = subprocess.DEVNULL
        return subprocess.Popen([*command, "--no-dashboard", *words], stdout=silent, stderr=silent)

    started = [start("scheduler", "--host", "127.0.0.1", "--port", "0")]
    try:
        started += [start("worker", "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny") for _ in range(workers)]
        with Client(scheduler_file=str(file), timeout=120, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=120)
            address = client.scheduler.address
        yield address.replace("tcp://", "dask://")
    finally:
        for process in reversed(started):  # a worker waits for ever to take leave of a scheduler that has gone
            process.terminate()
            process.wait()


WAYS: dict[str, Way] = {"one": one, "processes": processes, "dask": dask, "parts": parts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("music", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--ways", default=",".join(WAYS))
    arguments = parser.parse_args()
    print(f"{'way':10} {'clock s':>8} {'processor s':>12}  recordings  digest")
    for way in arguments.ways.split(","):
        with tempfile.TemporaryDirectory(prefix="genvae-preparing-") as folder:
            out = Path(folder) / "store"
            began, before = time.monotonic(), os.times()
            WAYS[way](arguments.music, out, arguments.workers)
            clock, after = time.monotonic() - began, os.times()
            spent = sum(after[:4]) - sum(before[:4])  # of this process and of those that it has waited for
            store = ClipStore.open(out)
            print(f"{way:10} {clock:8.1f} {spent:12.1f}  {len(store.recordings):10}  {store.digest}", flush=True)


if __name__ == "__main__":
    main()
