"""Which runs lie in a folder: trained on what, for how long, and how good by their last validation (no torch here)."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genvae.errors import GenvaeError
from genvae.files import MISREAD, parse_json

if TYPE_CHECKING:
    from genvae.attributes import Attribute

PACKED = ".genvae"
"""How the name of a packed run ends."""
ZIP_ERRORS = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile),
    *(EOFError, NotImplementedError, OverflowError, RuntimeError, ValueError),
)
"""What opening and reading a zip of unknown origin may raise beside OSError, as long as nothing in it is compressed."""

_DEPTH = 4  # folders below the one that is looked at
_DESCRIPTION = 1 << 20  # bytes of pipeline.json at most
_LOG = 1 << 28  # bytes of metrics.jsonl at most


@dataclass(frozen=True)
class RunSummary:
    """A run, as its files tell.

    Attributes:
        path: the folder, or the packed file.
        finished: whether its training has ended.
        model: plugin.
        genres: that it makes.
        sample_rate: in Hz.
        attributes: that it can be asked for beyond a genre.
        clips: that it was trained on; None where it is not told.
        steps: that it was trained for, as far as its log tells.
        minutes: of training, likewise.
        loss: of its last validation.
        distance_db: of its last validation: how far reconstructions without texture are off.
        problem: why nothing else is told, or "".
    """

    path: str
    finished: bool
    model: str = ""
    genres: tuple[str, ...] = ()
    sample_rate: int | None = None
    attributes: tuple[Attribute, ...] = ()
    clips: int | None = None
    steps: int | None = None
    minutes: float | None = None
    loss: float | None = None
    distance_db: float | None = None
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)


def list_runs(folder: Path | str = ".") -> list[RunSummary]:
    """The runs in a folder and some levels below it, packed ones too, by their paths; damaged ones say what is wrong.

    Raises:
        GenvaeError: there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise GenvaeError(f"There is no folder {root}.")
    return [summary(path) for path in sorted(_run_folders(root))]


def summary(path: Path) -> RunSummary:
    """What the files of a run tell, in its folder or packed."""
    return _packed(path) if path.is_file() else _folder(path)


def _run_folders(root: Path) -> Iterator[Path]:
    depth = len(root.parts)
    for at, folders, files in os.walk(root):
        here = Path(at)
        if "pipeline.json" in files:
            yield here
            folders.clear()
            continue
        yield from (here / name for name in files if name.endswith(PACKED))
        deep = len(here.parts) - depth >= _DEPTH
        folders[:] = [] if deep else [name for name in folders if not name.startswith(".")]


def _folder(path: Path) -> RunSummary:
    def read(name: str, most: int) -> bytes:
        with (path / name).open("rb") as file:
            return file.read(most)

    return _summary(path, (path / "weights.safetensors").is_file(), read)


def _packed(path: Path) -> RunSummary:
    try:
        with zipfile.ZipFile(path) as archive:

            def read(name: str, most: int) -> bytes:
                member = archive.getinfo(name)
                if member.compress_type != zipfile.ZIP_STORED:
                    raise ValueError(f"{name} is compressed, which `genvae pack` does not do")
                with archive.open(member) as file:
                    return file.read(most)

            return _summary(path, "weights.safetensors" in archive.namelist(), read)
    except (*ZIP_ERRORS, OSError) as error:
        return RunSummary(str(path), False, problem=f"it is no packed run: {error}")


def _summary(path: Path, finished: bool, read: Callable[[str, int], bytes]) -> RunSummary:
    try:
        described = parse_json(read("pipeline.json", _DESCRIPTION))
        pipeline, data = described["pipeline"], described["data"]
        clips = data.get("clips")
        facts: dict[str, Any] = {
            "model": str(pipeline["model"]["plugin"]),
            "genres": tuple(map(str, pipeline["genres"])),
            "sample_rate": int(pipeline["sample_rate"]),
            "attributes": _attributes(pipeline.get("attributes", ())),
            "clips": None if clips is None else int(clips["train"] if isinstance(clips, dict) else clips),
        }
    except (OSError, *MISREAD) as error:
        return RunSummary(str(path), finished, problem=f"its description is damaged: {type(error).__name__}: {error}")
    training = described.get("training")
    if isinstance(training, dict) and "vocoder" in training:  # then the log is of its training, not of the model's
        return RunSummary(str(path), finished, **facts)
    with suppress(OSError, KeyError):  # a run may be without a log, as the pretrained one is
        facts |= _trained(read("metrics.jsonl", _LOG))
    return RunSummary(str(path), finished, **facts)


def _attributes(described: Iterable[Any]) -> tuple[Attribute, ...]:
    if not described:
        return ()  # as of most runs, for which NumPy need not be imported
    from genvae.attributes import Attribute

    return tuple(map(Attribute.from_json, described))


def _trained(log: bytes) -> dict[str, Any]:
    """What a log tells, of which lines may be torn."""
    facts: dict[str, Any] = {}
    for line in log.splitlines():
        try:
            entry = json.loads(line)
            kind, step = entry["kind"], int(entry["step"])
            if kind == "train":
                facts |= {"steps": step, "minutes": round(float(entry["seconds"]) / 60, 1)}
            elif kind == "validation":
                distance = entry.get("distance_db")
                facts |= {
                    "steps": step,
                    "loss": float(entry["loss"]),
                    "distance_db": None if distance is None else float(distance),
                }
        except MISREAD:
            continue
    return facts
