"""Lets one operation after the other on a command's destination fail, and looks at what is left.

    python tests/faults/failing_disk.py --first 200

Each case is one command in a process of its own, in which the n-th operation on the destination (opening, writing,
syncing, renaming, making a folder, ...) raises ENOSPC, EIO or EACCES. It must end with exit code 7 and the path, leave
what was there before as it was, no half file under a final name and no temporary file; and the same command must then
give what it gives on a sound disk. Exits with 1 if something is otherwise.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # no threads, so that this process may compute and fork all the same

import argparse
import builtins
import errno
import io
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import forked
from destinations import Destination, commands

ERRORS = ("ENOSPC", "EIO", "EACCES")


class Disk:
    """The operations on a folder, counted; the n-th fails."""

    def __init__(self, folder: Path, fails: int, number: int) -> None:
        self.folder, self.left, self.number = str(folder), fails, number

    def touch(self, path: Any) -> None:
        """Count an operation on a path or an open file, and fail if its turn has come."""
        written = isinstance(path, int)
        if written:
            try:
                path = str(Path(f"/proc/self/fd/{path}").readlink())
            except OSError:
                return
        path = os.fsdecode(path)
        if not path.startswith(self.folder):
            return
        self.left -= 1
        if self.left == 0:
            named = () if written else (path,)  # as the system does: an error of a write names no file
            raise OSError(self.number, os.strerror(self.number), *named)

    def install(self) -> None:
        for name in ("open", "mkdir", "replace", "rename", "fsync", "chmod", "unlink"):
            setattr(os, name, self._counted(getattr(os, name)))
        opened, fdopened = io.open, os.fdopen

        def open_(file: Any, mode: str = "r", *rest: Any, **named: Any) -> Any:
            if isinstance(file, int) or not set(mode) & set("wax+"):
                return opened(file, mode, *rest, **named)
            self.touch(file)
            return _Written(opened(file, mode, *rest, **named), self)

        def fdopen(handle: int, *rest: Any, **named: Any) -> Any:
            return _Written(fdopened(handle, *rest, **named), self)

        builtins.open, io.open, os.fdopen = open_, open_, fdopen  # type: ignore[assignment]  # narrower than theirs

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(path: Any, *rest: Any, **named: Any) -> Any:
            self.touch(path)
            return function(path, *rest, **named)

        return counted


class _Written:
    """A file whose writing is counted."""

    def __init__(self, file: Any, disk: Disk) -> None:
        self._file, self._disk = file, disk

    def write(self, content: Any) -> Any:
        self._disk.touch(self._file.fileno())
        return self._file.write(content)

    def flush(self) -> None:
        self._disk.touch(self._file.fileno())
        self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def case(destination: Destination, fails: int, name: str) -> str | None:
    """What is wrong in one case; "" if all is well, None if there is no such operation any more."""
    destination.reset()
    disk = Disk(destination.out, fails, getattr(errno, name))

    def on_that_disk(command: Callable[[], int]) -> int:
        disk.install()
        status = command()
        sys.stderr.write(f"\nleft {disk.left}\n")
        return status

    ended = destination.run(on_that_disk)
    return None if _left(ended.said) > 0 else destination.wrong(ended)


def _left(said: str) -> int:
    lines = [line for line in said.splitlines() if line.startswith("left ")]
    return int(lines[-1].split()[1]) if lines else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--first", type=int, default=200, help="operations to let fail, from the first on")
    parser.add_argument("--sample", type=int, default=0, help="cases of each command, drawn; 0 for all")
    parser.add_argument("--only", action="append", help="commands; all by default")
    chosen = parser.parse_args()
    place = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    counts: Counter[str] = Counter()
    faults = []
    with tempfile.TemporaryDirectory(dir=place) as folder:
        for name, command in commands(Path(folder)).items():
            if chosen.only and name not in chosen.only:
                continue
            if command.before:
                command.before(Path(folder) / "warm")
            forked.genvae(*(word.replace("OUT", str(Path(folder) / "warm")) for word in command.words))  # imports all
            shutil.rmtree(Path(folder) / "warm")
            destination = Destination(command, Path(folder) / "destination" / name)
            cases = [(n, error) for n in range(1, chosen.first + 1) for error in ERRORS]
            if chosen.sample:
                cases = sorted(random.Random(0).sample(cases, chosen.sample))
            for n, error in cases:
                wrong = case(destination, n, error)
                if wrong is None and not chosen.sample:
                    break
                counts[name] += wrong is not None
                if wrong:
                    faults.append(f"{name}, operation {n}, {error}: {wrong}")
    print("| command | cases |\n|---|---|")
    for name, count in counts.items():
        print(f"| {name} | {count} |")
    print(*faults, sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
