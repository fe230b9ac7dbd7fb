"""Places on URLs, such as s3://bucket/store, beside folders: paths of universal-pathlib over fsspec.

Such a path has the methods of a `Path`, and is treated as one. What differs stands here and in `files`: an object
store has no folders, locks or renames, and each question to it takes as long as reading a megabyte.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

from genvae.errors import DiskError, GenvaeError, MissingError, OptionError

_URL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://")
_VERSIONS = ("ETag", "etag", "md5Hash", "LastModified", "mtime", "updated", "created")
"""What tells a change of a file, by the names that file systems give it; the surest first."""


def place(where: Path | str) -> Path:
    """The path of a folder, a file, or a URL.

    Raises:
        MissingError: what reads such URLs is not installed.
        OptionError: nothing reads such URLs.
    """
    text = where if isinstance(where, str) else ""
    scheme = _URL.match(text)
    if scheme is None:
        return where if not isinstance(where, str) else Path(where)
    if scheme[1].lower() == "file":
        return Path(text[scheme.end() :])
    try:
        from upath import UPath

        # Listings are not kept: other machines write to the same place.
        path = UPath(text, use_listings_cache=False)
        _ = path.fs
    except ImportError as error:
        driver = re.search(r"[Ii]nstall (\w+)", str(error))
        names = f"'genvae[remote]'{f' {driver[1]}' if driver and driver[1] != 's3fs' else ''}"
        raise MissingError(f"{scheme[0]} needs more than is installed. Install it with: pip install {names}") from error
    except ValueError as error:
        raise OptionError(f"Nothing reads {scheme[0]} ({error}).") from error
    return cast(Path, path)


def is_remote(path: Path) -> bool:
    """Whether a path of `place` is a URL."""
    return not isinstance(path, Path)


@contextmanager
def reaching(path: Path) -> Iterator[None]:
    """Turn what a remote file system raises into errors that name the place; its libraries have kinds of their own.

    Raises:
        FileNotFoundError: there is nothing.
        DiskError: it can't be reached, or refuses.
    """
    if not is_remote(path):
        yield
        return
    try:
        yield
    except GenvaeError:
        raise
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from error
    except Exception as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise DiskError(f"{path} can't be reached: {words}.") from error


def open_bytes(path: Path, block: int = 1 << 20, *, ahead: bool = True) -> BufferedReader:
    """Open a file to read its bytes; of a remote one so many at a time, or, not `ahead`, what is asked for."""
    if not is_remote(path):
        return path.open("rb")
    how = {"block_size": block, "cache_type": "readahead" if ahead else "none"}
    return cast(BufferedReader, cast(Any, path).open("rb", **how))


def sizes(folder: Path) -> dict[str, int]:
    """The files of a folder by name, with their sizes in bytes; none where there is no such folder."""
    try:
        with reaching(folder):
            if not is_remote(folder):
                with os.scandir(folder) as found:
                    return {each.name: each.stat().st_size for each in found if each.is_file()}
            listed = cast(Any, folder).fs.ls(cast(Any, folder).path, detail=True)
    except FileNotFoundError:
        return {}
    return {each["name"].rsplit("/", 1)[-1]: each["size"] for each in listed if each["type"] == "file"}


def tree(folder: Path) -> dict[str, Mapping[str, Any]]:
    """What a remote file system tells of each file below a folder, by its path relative to that."""
    where: Any = folder
    with reaching(folder):
        root = where.path.rstrip("/")
        return {path[len(root) + 1 :]: told for path, told in where.fs.find(root, detail=True).items()}


def version(told: Mapping[str, Any]) -> str:
    """The size of a remote file and what tells a change of it, from what its file system tells."""
    mark = next((str(told[name]).strip('"') for name in _VERSIONS if told.get(name)), "of unknown age")
    return f"{told['size']} bytes, {mark}"


def contents(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """What those files of a remote folder hold that are there, read many at once."""
    where: Any = folder
    found: dict[str, bytes] = {}
    for first in range(0, len(names), 1000):
        paths = {(where / name).path: name for name in names[first : first + 1000]}
        with reaching(folder):
            for path, content in where.fs.cat(list(paths), on_error="omit").items():
                if path in paths:
                    found[paths[path]] = content
    return found


def ranges(path: Path, spans: Sequence[tuple[int, int]]) -> list[bytes]:
    """Parts of a remote file, each from one place up to another, read at once."""
    where: Any = path
    starts, ends = zip(*spans, strict=True) if spans else ((), ())
    with reaching(path):
        read = where.fs.cat_ranges([where.path] * len(spans), list(starts), list(ends), on_error="raise")
        return [bytes(each) for each in read]
