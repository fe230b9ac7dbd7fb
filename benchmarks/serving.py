"""What more processes bring to a server: clips a second, waits and memory with 1, 2 and 4 workers; for docs/serve.md.

    python benchmarks/serving.py [--run RUN] [--workers 1,2,4] [--clients 8] [--clips 20] [--rounds 3]

Numbers of workers take turns, round by round, each round in servers of its own; told are medians. Clients run on the
same machine and take a little of it. Memory is what /proc tells after the load, so it is told on Linux alone:
*own* is what a process has to itself, *share* counts each page that several have by its part (PSS).
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from urllib.request import urlopen

from genvae.bench.suites.serve import load, server


def processes_of(parent: int) -> list[int]:
    """A process, those that it has started, those that these have started, and so on."""
    found = [parent]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[1]) == parent:
            found += processes_of(int(path.parent.name))
    return found


def memory(pid: int) -> dict[str, float]:
    """MiB by kind, as /proc/PID/smaps_rollup names them; what the shared weights take of them as `weights`."""
    rows = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]]
    kinds = {row[0].rstrip(":"): int(row[1]) / 1024 for row in rows}
    kinds["own"] = kinds["Private_Clean"] + kinds["Private_Dirty"]
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    ranges = [line.split()[0].split("-") for line in maps if "genvae-serve-" in line]
    kinds["weights"] = sum(int(high, 16) - int(low, 16) for low, high in ranges) / 2**20
    return kinds


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="run to serve; by default the pretrained one")
    parser.add_argument("--workers", default="1,2,4", help="numbers of workers, with commas between them")
    parser.add_argument("--clients", type=int, default=8, help="that ask at once")
    parser.add_argument("--clips", type=int, default=20, help="that each client asks for")
    parser.add_argument("--rounds", type=int, default=3)
    wish = parser.parse_args()
    counts = [int(each) for each in wish.workers.split(",")]

    speeds: dict[int, list[float]] = {count: [] for count in counts}
    waits: dict[int, list[float]] = {count: [] for count in counts}
    held: dict[int, list[dict[str, float]]] = {}
    for number in range(wish.rounds):
        for count in counts[number % len(counts) :] + counts[: number % len(counts)]:
            with server(wish.run, workers=count) as (address, pid):
                genres = genres_of(address)
                load(address, genres, wish.clients, 2)  # warm
                began = time.perf_counter()
                seen = load(address, genres, wish.clients, wish.clips)
                speeds[count].append(len(seen.latencies) / (time.perf_counter() - began))
                waits[count].append(1000 * statistics.median(seen.latencies))
                if Path("/proc/self/smaps_rollup").exists():
                    held[count] = [memory(each) for each in processes_of(pid)]
    one = statistics.median(speeds[counts[0]])
    print(f"\n{wish.clients} clients, {wish.clips} clips each, medians of {wish.rounds} rounds\n")
    print(f"| workers | clips/s | times that of {counts[0]} | median wait (ms) |\n|---|---|---|---|")
    for count in counts:
        speed = statistics.median(speeds[count])
        print(f"| {count} | {speed:.1f} | {speed / one:.2f} | {statistics.median(waits[count]):.0f} |")
    if held:
        print("\n| workers | process | own (MiB) | share (MiB) | resident (MiB) | of them weights in one copy (MiB) |")
        print("|---|---|---|---|---|---|")
        for count, processes in held.items():
            computing = [kinds for kinds in processes if kinds["Rss"] > 50]  # one watches what multiprocessing leaves
            for number, kinds in enumerate(computing):
                name = (
                    "the server" if number == 0 else "a worker" if kinds["weights"] else "what workers are forked from"
                )
                figures = " | ".join(f"{kinds[kind]:.0f}" for kind in ("own", "Pss", "Rss", "weights"))
                print(f"| {count} | {name} | {figures} |")


def genres_of(address: str) -> list[str]:
    """The genres that a server has."""
    with urlopen(f"{address}api/info") as answer:
        genres: list[str] = json.load(answer)["genres"]
    return genres


if __name__ == "__main__":
    main()
