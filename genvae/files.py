"""Writing files whole: a reader sees the old content or the new, never a part of it."""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

from genvae.errors import DiskError, GenvaeError
from genvae.places import is_remote, reaching

MISREAD = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)
"""What taking a value out of JSON of unknown origin may raise; logs may hold numbers that `parse_json` refuses."""

_DEEPEST = 64  # lists and objects within each other: whoever walks through them has a stack of some hundred


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a binary, seekable file that takes the place of `path` when the block ends, and vanishes if it raises.

    An object store knows no half-written files: what is written here is sent there whole, in one request or several
    that count together.
    """
    if is_remote(path):
        with tempfile.NamedTemporaryFile(prefix="genvae-") as file:
            yield cast(IO[bytes], file)
            file.flush()
            with reaching(path):
                where: Any = path
                where.fs.put_file(file.name, where.path)
        return
    with naming(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(0o666 & ~_umask())  # mkstemp's 0600 would hide the file from everybody else
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):  # what went wrong before is what should be told
                temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Give errors of the system that name no file, as that of a full disk, the name of this one."""
    try:
        with reaching(path):
            yield
    except OSError as error:
        if error.filename is None and error.strerror is not None:
            error.filename = str(path)
        raise


def make_folder(folder: Path) -> None:
    """Have a folder, and those above it; an object store needs none."""
    if not is_remote(folder):
        with naming(folder):
            folder.mkdir(parents=True, exist_ok=True)


def require_space(folder: Path, needed: float, what: str) -> None:
    """See before hours of work whether their result has room.

    Args:
        folder: that will hold it, and exists.
        needed: bytes, at least.
        what: needs them, the beginning of a sentence.

    Raises:
        DiskError: the file system has fewer bytes left.
    """
    if is_remote(folder):
        return
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskError(
            f"{what} at least {needed / 1e6:,.0f} MB, and {folder} has {free / 1e6:,.0f} MB left. "
            "Make room there, or name another place."
        )


def sweep(folder: Path) -> None:
    """Take away what a killed process has left half-written in a folder that nobody else writes to now."""
    if is_remote(folder):
        return
    for left in folder.glob(".*.tmp"):
        left.unlink(missing_ok=True)


@contextmanager
def held_alone(folder: Path, otherwise: GenvaeError) -> Iterator[None]:
    """Hold a folder for this process alone; the lock goes with the process, however that ends.

    Args:
        folder: that exists; a remote one knows no locks, and two at once are the user's to avoid.
        otherwise: what to raise where another process holds it.
    """
    if is_remote(folder):
        yield
        return
    try:
        import fcntl
    except ImportError:  # not on Windows, where two at once are the user's to avoid
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise otherwise from error
        yield
    finally:
        os.close(handle)


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path` in one step."""
    with whole_file(path) as file:
        file.write(content)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole; ASCII only, so that file names that are not UTF-8 survive as escapes."""
    write_whole(path, (json.dumps(value, indent=2) + "\n").encode("ascii"))


def read_json(path: Path) -> Any:
    """What a JSON file of unknown origin holds, as plain values that any writer of JSON takes.

    Raises:
        OSError: it can't be read.
        ValueError: it is no JSON, is nested too deeply, or has a number that is not finite.
    """
    with naming(path):
        content = path.read_bytes()
    return parse_json(content)


def parse_json(content: bytes | str) -> Any:
    """What JSON text of unknown origin says; raises ValueError as `read_json` does."""
    try:
        value = json.loads(content, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    level = [value]
    for _ in range(_DEEPEST + 1):
        holders = [each for each in level if isinstance(each, dict | list)]
        level = [item for each in holders for item in (each.values() if isinstance(each, dict) else each)]
        if not level:
            return value
    raise ValueError("it is nested too deeply")


def _refuse(word: str) -> Any:
    raise ValueError(f"it holds {word}, which is no number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"it holds {digits[:20]}, which is beyond all numbers")
    return number


def _umask() -> int:
    # os.umask can only be read by setting it, which would race with other threads; /proc says it on Linux.
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("Umask:"):
                return int(line.split()[1], 8)
    except OSError:
        pass
    return 0o022


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # other systems can't open a folder to sync it
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
