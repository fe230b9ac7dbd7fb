"""Fills real file systems: each command writes to one of a few hundred kilobytes that ends before it does, and to one
that can only be read.

    python tests/faults/full_disk.py --sizes 12

A tmpfs of each size holds the destination, from next to nothing to almost enough; a last one is mounted read-only. The
command must end with exit code 7 and the path, and leave what was there before and no half file; and with more room the
same command must then give what it gives elsewhere. Mounting needs no rights where the system lets users have
namespaces of their own. Exits with 1 if something is otherwise.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # no threads, so that this process may compute and fork all the same

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from destinations import Destination, commands

NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
ROOM = 1 << 30  # bytes, more than any command takes


def tmpfs(folder: Path, size: int, *, again: bool = False, writable: bool = True) -> None:
    options = f"size={size},nr_inodes=1000,{'rw' if writable else 'ro'}" + (",remount" if again else "")
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, default=12, help="file systems for each command")
    parser.add_argument("--only", action="append", help="commands; all by default")
    chosen = parser.parse_args()
    if "GENVAE_MOUNTS" not in os.environ:
        again = [*NAMESPACE, sys.executable, *sys.argv]
        return subprocess.run(again, env={**os.environ, "GENVAE_MOUNTS": "1"}, check=False).returncode
    counts: Counter[str] = Counter()
    full: Counter[str] = Counter()
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        for name, command in commands(Path(folder)).items():
            if chosen.only and name not in chosen.only:
                continue
            disk = Path(folder) / "disk"
            disk.mkdir(exist_ok=True)
            destination = Destination(command, disk / "out")
            before, after = _bytes(destination.before), _bytes(destination.good)
            sizes = [before + round((after - before) * (each + 0.5) / chosen.sizes) for each in range(chosen.sizes)]
            for size in (*sizes, None):
                tmpfs(disk, ROOM)
                destination.reset()
                tmpfs(disk, size or ROOM, again=True, writable=size is not None)
                ended = destination.run()
                full[name] += ended.code != 0
                wrong = destination.wrong(ended, lambda disk=disk: tmpfs(disk, ROOM, again=True))  # type: ignore[misc]
                subprocess.run(["umount", str(disk)], check=True)
                counts[name] += 1
                if wrong:
                    faults.append(f"{name}, {'read-only' if size is None else f'{size} bytes'}: {wrong}")
                if size is None and ended.code == 0:
                    faults.append(f"{name}: it says that it wrote to what can only be read")
            destination.reset()
    print("| command | file systems | too full, or read-only |\n|---|---|---|")
    for name, count in counts.items():
        print(f"| {name} | {count} | {full[name]} |")
    print(*faults, sep="\n")
    return bool(faults)


def _bytes(files: dict[str, bytes]) -> int:
    page = 4096
    return sum(-(-len(content) // page) * page for content in files.values())


if __name__ == "__main__":
    sys.exit(main())
