"""What genvae itself finds out of a recording's clips: how loud each is, and the tempo around it (no torch here).

STORE/estimates/KEY.json keeps what was found of a recording, so that it is found once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genvae.audio import tempo
from genvae.clips.shard import Items, is_key
from genvae.files import make_folder, read_json, write_json, write_whole
from genvae.items import FULL_SCALE

FOLDER = "estimates"
Values = NDArray[np.float32]
"""Of one attribute, a number a clip; NaN where it is not known."""

_AROUND = 12.0  # seconds in which a clip's tempo is looked for
_BLOCK = 1024  # clips at a time


@dataclass(frozen=True)
class Estimate:
    """An attribute that is estimated from sound.

    Attributes:
        unit: of its numbers.
        version: of the way in which it is found.
        of: clips of a recording int16 [n, samples], where each begins in samples [n] and their rate -> [n].
    """

    unit: str
    version: int
    of: Callable[[NDArray[np.int16], NDArray[np.int64], int], Values]


def loudness(clips: NDArray[np.int16], offsets: NDArray[np.int64], sample_rate: int) -> Values:
    """The mean power of each clip, in dB of full scale: that of a square wave is 0, of a sine -3."""
    values = np.empty(len(clips), np.float32)
    for first in range(0, len(clips), _BLOCK):
        waves = clips[first : first + _BLOCK].astype(np.float32) * np.float32(1 / FULL_SCALE)
        values[first : first + _BLOCK] = level(waves)
    return values


def level(waves: NDArray[np.float32]) -> Values:
    """The mean power of waveforms [n, samples] within ±1 in dB of full scale, [n]."""
    power = np.square(waves, dtype=np.float64).mean(axis=1)
    decibels: Values = (10 * np.log10(np.maximum(power, 1e-10))).astype(np.float32)
    return decibels


def tempos(clips: NDArray[np.int16], offsets: NDArray[np.int64], sample_rate: int) -> Values:
    """The tempo of the twelve seconds around each clip, in beats a minute, as far as its neighbours were kept."""
    samples = clips.shape[1]
    values = np.full(len(clips), np.nan, np.float32)
    width = round(max(_AROUND, samples / sample_rate) * tempo.FRAME_RATE)
    for rows in np.split(np.arange(len(clips)), np.flatnonzero(np.diff(offsets) != samples) + 1):
        if len(rows) == 0:
            continue
        strength = tempo.onset_strength(clips[rows[0] : rows[-1] + 1].reshape(-1), sample_rate)
        centres = (np.arange(len(rows)) + 0.5) * samples / sample_rate * tempo.FRAME_RATE
        starts = np.clip(np.rint(centres - width / 2), 0, max(0, len(strength) - width)).astype(np.int64)
        found = {start: tempo.tempo(strength[start : start + width]) for start in np.unique(starts).tolist()}
        values[rows] = [found[start] for start in starts.tolist()]
    return values


ESTIMATES: Mapping[str, Estimate] = {
    "loudness": Estimate("dB", 1, loudness),
    "tempo": Estimate("beats a minute", 1, tempos),
}
"""What can be estimated, by name."""


def estimated(
    folder: Path,
    key: str,
    digest: str,
    names: Sequence[str],
    clips: Callable[[], Items],
    offsets: Sequence[int],
    sample_rate: int,
) -> tuple[dict[str, Values], bool]:
    """The estimates of a recording, from its file where that has them; and whether something had to be computed.

    Args:
        folder: of the files.
        key: of the recording's shard.
        digest: of its clips.
        names: of the estimates.
        clips: opens them, int16 [n, samples].
        offsets: where each begins, in samples.
        sample_rate: in Hz.

    Raises:
        OSError: the file can't be written.
    """
    path = folder / f"{key}.json"
    held = _read(path, digest, len(offsets))
    missing = [name for name in names if name not in held]
    if missing:
        opened, begins = clips()[:], np.asarray(offsets, np.int64)
        held |= {name: ESTIMATES[name].of(opened, begins, sample_rate) for name in missing}
        make_folder(folder)
        plain = {
            name: {
                "version": ESTIMATES[name].version,
                "values": [None if math.isnan(v) else v for v in values.tolist()],
            }
            for name, values in sorted(held.items())
        }
        write_json(path, {"digest": digest, "estimates": plain})
    return {name: held[name] for name in names}, bool(missing)


def bring_estimates(origin: Path, out: Path, key: str) -> None:
    """Have in one store what another has found of a recording, if it has found anything."""
    try:
        content = (origin / FOLDER / f"{key}.json").read_bytes()
    except FileNotFoundError:
        return
    target = out / FOLDER / f"{key}.json"
    if not target.exists() or target.read_bytes() != content:
        make_folder(out / FOLDER)
        write_whole(target, content)


def forget(folder: Path, keys: set[str]) -> None:
    """Take away the files of all recordings but those with some keys."""
    for path in _files(folder):
        if path.stem not in keys:
            path.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*.json") if is_key(path.stem))


def _read(path: Path, digest: str, count: int) -> dict[str, Values]:
    """What a file says of those clips; nothing where it is missing, damaged or of others: then it is found again."""
    try:
        content: Any = read_json(path)
        if content["digest"] != digest:
            return {}
        found: dict[str, Values] = {}
        for name, each in content["estimates"].items():
            if name in ESTIMATES and each["version"] == ESTIMATES[name].version and len(each["values"]) == count:
                found[name] = np.array([math.nan if v is None else float(v) for v in each["values"]], np.float32)
        return found
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
