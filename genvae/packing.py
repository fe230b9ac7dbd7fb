"""A run as one file, `NAME.genvae`: a plain zip that holds the run's files as they are, the same bytes each time.

Nothing in it is compressed, so that what an archive from elsewhere may cost is bounded by its own size.
"""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from genvae.errors import RunError
from genvae.files import whole_file
from genvae.run import Run
from genvae.run_listing import PACKED, ZIP_ERRORS

_MEMBERS = {
    "pipeline.json": 1 << 20,
    "weights.safetensors": 1 << 40,
    "latents.safetensors": 1 << 40,
    "critic.safetensors": 1 << 30,
    "map.safetensors": 1 << 40,
    "metrics.jsonl": 1 << 28,
    "MODEL_CARD.md": 1 << 22,
    "TERMS.md": 1 << 22,
    "CREDITS.csv": 1 << 26,
}
"""What an archive may hold, and of how many bytes each may be at most."""

_BLOCK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # a zip's first date: the bytes must not tell when they were written


def pack(run: Run, path: Path) -> list[str]:
    """Write a trained run as one file.

    Returns:
        the names of what it holds.

    Raises:
        RunError: its training has not ended.
        OSError: the file can't be written.
    """
    run.digest()  # for what it refuses
    names = [name for name in sorted(_MEMBERS) if (run.path / name).is_file()]
    with whole_file(path) as target, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr, member.create_system = 0o644 << 16, 3
            member.file_size = (run.path / name).stat().st_size
            with (run.path / name).open("rb") as source, archive.open(member, "w") as place:
                while block := source.read(_BLOCK):
                    place.write(block)
    return names


def unpack(path: Path) -> Run:
    """Open a packed run, which may come from anywhere; its files lie in a temporary folder for as long as it is used.

    Raises:
        RunError: it is no packed run, is damaged, or holds what no run has.
    """
    held = tempfile.TemporaryDirectory(prefix="genvae-run-")
    folder = Path(held.name) / (path.name.removesuffix(PACKED) or "run")
    folder.mkdir()
    try:
        with zipfile.ZipFile(path) as archive:
            for member in _checked(archive, path):
                with archive.open(member) as source, (folder / member.filename).open("wb") as target:
                    while block := source.read(_BLOCK):
                        target.write(block)
    except ZIP_ERRORS as error:
        held.cleanup()
        raise RunError(f"{path} is no packed run, or is damaged: {error}") from error
    except OSError as error:
        held.cleanup()
        raise RunError(f"{path} can't be unpacked: {error.strerror}.") from error
    except BaseException:
        held.cleanup()
        raise
    run = Run(folder)
    run.held = held  # it goes with the run
    return run


def _checked(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """The members of an archive, of which nothing has been read yet.

    Raises:
        RunError: they are not those of a run.
    """
    members = archive.infolist()
    names = [member.filename for member in members]
    strange = next((name for name in names if name not in _MEMBERS), None)
    if strange is not None:
        raise RunError(f"{path} is no packed run: it holds {strange!r}, which no run has.")
    if len(set(names)) < len(names) or "pipeline.json" not in names or "weights.safetensors" not in names:
        raise RunError(f"{path} is no packed run: it wants one pipeline.json and one weights.safetensors.")
    for member in members:
        if (
            member.compress_type != zipfile.ZIP_STORED
            or member.flag_bits & 1
            or member.file_size != member.compress_size
        ):
            raise RunError(
                f"{path} is no packed run: {member.filename} is compressed or encrypted. `genvae pack` does neither."
            )
        if member.file_size > _MEMBERS[member.filename]:
            raise RunError(f"{path} holds {member.file_size} bytes of {member.filename}, more than any run has.")
    if sum(member.file_size for member in members) > path.stat().st_size:
        raise RunError(f"{path} is damaged: it says that it holds more than there is.")
    return members
