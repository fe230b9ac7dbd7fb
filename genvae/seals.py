"""The seal of a folder of files that are done: sizes and digests, so that what has changed since is noticed.

It guards against damage, not against forgery: whoever changes a file can write the seal anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from genvae.files import read_json, write_json

FORMAT = 1
NAME = "seal.json"


def write_seal(folder: Path, names: Sequence[str]) -> None:
    """Seal those files of a folder that are there."""
    files = {name: _measure(folder / name) for name in names if (folder / name).is_file()}
    write_json(folder / NAME, {"format": FORMAT, "files": files})


def differences(folder: Path, names: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with sealed files, a sentence each; nothing where the folder has no seal.

    Args:
        folder: of the seal.
        names: of the files to look at, if they are sealed; no other name in a seal is followed.
    """
    path = folder / NAME
    if not path.is_file():
        return
    try:
        seal = read_json(path)
        if seal["format"] != FORMAT:
            raise ValueError(f"its format is {seal['format']!r}, this genvae reads {FORMAT}")
        sealed = {name: seal["files"][name] for name in names if name in seal["files"]}
        files = {name: (each["bytes"], each["digest"]) for name, each in sealed.items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield f"{path} is damaged: {error}."
        return
    for name, (size, digest) in files.items():
        file = folder / name
        try:
            if file.stat().st_size != size:
                yield f"{file} is damaged: it has {file.stat().st_size} bytes, and had {size} when it was sealed."
            elif _measure(file)["digest"] != digest:
                yield f"{file} is damaged: its content is another than when it was sealed."
        except OSError as error:
            yield f"{file} can't be read: {error.strerror}."


def _measure(file: Path) -> dict[str, object]:
    digest = hashlib.blake2b(digest_size=16)
    with file.open("rb") as content:
        for block in iter(lambda: content.read(1 << 20), b""):
            digest.update(block)
    return {"bytes": file.stat().st_size, "digest": digest.hexdigest()}
