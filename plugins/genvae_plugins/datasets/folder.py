"""The `folder` dataset: ROOT/GENRE/**, where the folder's name is the genre, read through libsndfile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

from genvae.audio.decode import SUFFIXES, SoundfileStream
from genvae.audio.open import ffmpeg_reads
from genvae.errors import AudioError, GenvaeError
from genvae.interfaces.dataset import Dataset, Recording, SoundStream
from genvae.places import is_remote, reaching, tree, version
from genvae.text import printable

_FOREIGN = (
    ".m4a .m4b .mp4 .m4v .mov .aac .wma .wmv .asf .avi .mkv .mka .webm .3gp .amr .ac3 .eac3 .dts .ape .wv .tta .mpg"
    " .mpeg .ts .flv .ogv .mp2 .alac .ra"
)
FOREIGN_SUFFIXES = frozenset(_FOREIGN.split())
"""Suffixes, in lower case, of sound and video that libsndfile does not read but ffmpeg does."""


class Folder(Dataset):
    """Recordings below a folder of genres. Hidden files and files that are no sound are passed over."""

    def recordings(self) -> Iterator[Recording]:
        """Yield the recordings of each genre, sorted by their paths.

        Raises:
            GenvaeError: the root is no folder, or its recordings do not lie in folders of genres.
        """
        for path, id, genre, change in files_of_genres(self.root, SUFFIXES | FOREIGN_SUFFIXES):
            opens: Callable[[], SoundStream] = partial(open_or_advise, path, "use --dataset pydub")
            if not genre:
                opens = partial(_refuse, "it lies in no folder of a genre; move it to ROOT/GENRE/")
            elif path.suffix.lower() in FOREIGN_SUFFIXES:
                opens = partial(_refuse, f"libsndfile does not read {path.suffix.lower()}; use --dataset pydub")
            yield Recording(id=id, genre=genre, open=opens, fingerprint=change)


def files_of_genres(root: Path, suffixes: frozenset[str]) -> Iterator[tuple[Path, str, str, str]]:
    """The files with these suffixes, sorted: path, path relative to `root`, genre ("" right below `root`), fingerprint.

    Raises:
        GenvaeError: `root` is no folder, can't be read, or has such files but none in a folder of its own.
    """
    root = root.absolute()
    shown = printable(str(root))
    with reaching(root):
        is_folder = root.is_dir()
    if not is_folder:
        what = "is a file" if root.exists() else "does not exist"
        raise GenvaeError(f"The source {shown} {what}; name a folder that holds one folder for each genre.")
    try:
        if is_remote(root):
            told = {id: version(each) for id, each in tree(root).items() if not _is_hidden(id)}
            files = sorted((id, root / id) for id in told if Path(id).suffix.lower() in suffixes)
        else:
            told = {}
            files = sorted(
                (path.relative_to(root).as_posix(), path)
                for path in _walk(root)
                if path.suffix.lower() in suffixes and not path.is_dir()
            )
    except PermissionError as error:
        raise GenvaeError(f"The folder {printable(str(error.filename))} can't be read: {error.strerror}.") from error
    if files and all("/" not in id for id, _ in files):
        raise GenvaeError(
            f"The source {shown} has recordings, but none in a folder of a genre. Name the folder above it, or sort "
            "them as ROOT/GENRE/..."
        )
    for id, path in files:
        genre, slash, _ = id.partition("/")
        yield path, id, genre if slash else "", told[id] if told else fingerprint(path)


def _is_hidden(id: str) -> bool:
    return any(part.startswith(".") for part in id.split("/"))


def open_or_advise(path: Path, advice: str, *, start: float = 0.0, end: float | None = None) -> SoundStream:
    """A file through libsndfile.

    Args:
        path: of the file.
        advice: what to do where ffmpeg reads the file and libsndfile does not.
        start: of the part that is meant, in seconds.
        end: of the same; None for the file's end.

    Raises:
        AudioError: libsndfile can't read it.
        OSError: the file can't be opened.
    """
    try:
        return SoundfileStream(path, start=start, end=end)
    except AudioError as error:
        if ffmpeg_reads(path):
            raise AudioError(f"{error}, but ffmpeg reads it: {advice}") from error
        raise


def fingerprint(path: Path) -> str:
    """A file's size and time of change; of a remote one what its file system tells it by."""
    try:
        if is_remote(path):
            with reaching(path):
                return version(cast(Any, path).fs.info(cast(Any, path).path))
        status = path.stat()
    except OSError as error:  # a dangling link, say; opening it will tell
        return f"unreadable: {error.strerror}"
    return f"{status.st_size} bytes, changed {status.st_mtime_ns}"


def _walk(root: Path) -> Iterator[Path]:
    """Files below `root`, through links too, but each real folder only once in a genre, so that cycles end.

    Folders that really lie here come before linked ones: taking away a link changes nothing for the others.
    """
    for top in sorted(root.iterdir()):
        if top.name.startswith("."):
            continue
        if not top.is_dir():
            yield top
            continue
        visited: set[tuple[int, int]] = set()
        waiting, linked = [top], list[Path]()
        while waiting or linked:
            folder = waiting.pop() if waiting else linked.pop(0)
            status = folder.stat()
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            for path in sorted(folder.iterdir()):
                if path.name.startswith("."):
                    continue
                if not path.is_dir():
                    yield path
                elif path.is_symlink():
                    linked.append(path)
                else:
                    waiting.append(path)


def _refuse(reason: str) -> SoundStream:
    raise AudioError(reason)
