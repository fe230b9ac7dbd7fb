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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import forked
import numpy as np
import soundfile

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


@contextmanager
def in_this_process(workers: int) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@dataclass(frozen=True)
class Command:
    """A command whose destination may fail.

    Attributes:
        words: of the command line; OUT is the destination.
        before: fills the destination.
    """

    words: tuple[str, ...]
    before: Callable[[Path], None] | None = None


def commands(root: Path) -> dict[str, Command]:
    """The commands, over a store and a run that are made here."""
    music, run, store = root / "music", root / "run", root / "store"

    def prepare() -> int:
        import genvae.clips.workers as workers

        workers._processes = in_this_process  # type: ignore[assignment]
        for number in range(4):
            for genre in ("a", "b"):
                (music / genre).mkdir(parents=True, exist_ok=True)
                wave = np.random.default_rng([number, ord(genre)]).uniform(-0.5, 0.5, 16000)
                soundfile.write(music / genre / f"{number}.wav", wave, 8000)
        return forked.genvae("prepare", music, "--out", store, *PREPARED)

    def make() -> None:
        from conftest import make_run

        make_run(run)

    assert prepare() == 0
    make()

    def older(out: Path) -> None:
        shutil.copytree(store, out)
        shard = sorted((out / "shards").glob("*.json"))[0]  # one recording is to be decoded once more
        shard.unlink()

    return {
        "prepare": Command(("prepare", str(music), "--out", "OUT", *PREPARED), before=older),
        "generate": Command(
            ("generate", "--run", str(run), "--genre", "rock", "--count", "2", "--seed", "1", "-o", "OUT")
        ),
    }


PREPARED = ("--sample-rate", "8000", "--clip-ms", "512", "--workers", "1")


class Trial:
    """One command with its destination, tried on a sound disk first."""

    def __init__(self, name: str, command: Command, root: Path) -> None:
        self.name, self.command, self.out = name, command, root / "destination" / name
        self._reset()
        self.before = forked.contents(self.out) if self.out.exists() else {}
        ended = self.run(0, 0)
        assert ended.code == 0, (name, ended.said)
        self.good = forked.contents(self.out)

    def run(self, fails: int, number: int) -> forked.Ending:
        typed = [word.replace("OUT", str(self.out)) for word in self.command.words]

        def command() -> int:
            import torch

            import genvae.clips.workers as workers

            torch.set_num_threads(1)
            workers._processes = in_this_process  # type: ignore[assignment]  # so that it fails in this process
            disk = Disk(self.out, fails, number)
            disk.install()
            status = forked.genvae(*typed)
            sys.stderr.write(f"\nleft {disk.left}\n")
            return status

        return forked.run(command, seconds=120)

    def case(self, fails: int, name: str) -> str | None:
        """What is wrong in one case; "" if all is well, None if there is no such operation any more."""
        self._reset()
        ended = self.run(fails, getattr(errno, name))
        if _left(ended.said) > 0:
            return None
        now = forked.contents(self.out) if self.out.exists() else {}
        if ended.code == 0 and now == self.good:
            return ""  # it could do without
        if ended.code != 7 or ended.traceback:
            return f"exit code {ended.code}: {ended.said.strip()[-300:]}"
        if str(self.out) not in ended.said:
            return f"no path: {ended.said.strip()}"
        half = [n for n, c in now.items() if c not in (self.before.get(n), self.good.get(n)) and not _unfinished(c)]
        if half:
            return f"half or left behind: {half}"
        again = self.run(0, 0)
        if again.code != 0:
            return f"again it ends with {again.code}: {again.said.strip()[-300:]}"
        if forked.contents(self.out) != self.good:
            after = forked.contents(self.out)
            differing = sorted(n for n in after.keys() | self.good.keys() if after.get(n) != self.good.get(n))
            return f"then other files than on a sound disk: {differing}"
        return ""

    def _reset(self) -> None:
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.parent.mkdir(exist_ok=True)
        if self.command.before:
            self.command.before(self.out)


def _unfinished(content: bytes) -> bool:
    """Whether it is a store.json that says so."""
    return b'"complete": false' in content[:100]


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
            forked.genvae(*(word.replace("OUT", str(Path(folder) / "warm" / name)) for word in command.words))
            trial = Trial(name, command, Path(folder))
            cases = [(n, error) for n in range(1, chosen.first + 1) for error in ERRORS]
            if chosen.sample:
                cases = sorted(random.Random(0).sample(cases, chosen.sample))
            for n, error in cases:
                wrong = trial.case(n, error)
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
