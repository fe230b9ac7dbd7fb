"""The sounds that are measured on: seconds of recordings in a folder, or of invented music where none is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genvae.audio.decode import SUFFIXES
from genvae.audio.read import read_mono
from genvae.errors import AudioError, GenvaeError
from genvae.interfaces.dataset import SoundStream
from genvae.plugin.registry import Registry

RATE = 22050
"""Of every sound, in Hz."""
_LEVEL = 0.1  # root mean square of every clip, so that none outweighs the others
_SILENT = 1e-3  # root mean square below which a second is passed over
_STARTS = (5.0, 15.0, 25.0)  # seconds into a recording from which a clip is taken

Wave = NDArray[np.float32]


class Sounds:
    """Clips and recordings to measure on.

    Args:
        folder: of recordings, at any depth; None for invented music.

    Raises:
        GenvaeError: the folder holds no recordings.
    """

    def __init__(self, folder: Path | None, registry: Registry) -> None:
        self._folder, self._registry = folder, registry
        self._paths: list[Path] = []
        if folder is not None:
            self._paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
            if not self._paths:
                raise GenvaeError(f"{folder} holds no recordings: --sounds names a folder of them.")

    @property
    def described(self) -> str:
        """Where they come from, in words."""
        return f"{len(self._paths)} recordings" if self._paths else "invented music (the dataset `synthetic`)"

    def clips(self, count: int, seconds: float = 1.0) -> Wave:
        """Clips [count, samples] of different recordings, as far as there are enough of them."""
        clips = self._all if seconds == 1.0 else self._long(seconds)
        chosen = np.linspace(0, len(clips) - 1, num=min(count, len(clips))).round().astype(int)
        return np.resize(clips[chosen], (count, clips.shape[1]))

    def others(self, count: int) -> Wave:
        """One-second clips [n, samples] that `clips(count)` does not hold, for what has to be learnt first."""
        chosen = np.linspace(0, len(self._all) - 1, num=min(count, len(self._all))).round().astype(int)
        return np.delete(self._all, chosen, axis=0)

    def recording(self, seconds: float) -> Wave:
        """One long sound in mono, [samples]: pieces of several recordings, one after the other."""
        pieces: list[Wave] = []
        for wave in self._waves(seconds):
            pieces.append(wave)
            if sum(map(len, pieces)) >= seconds * RATE:
                break
        return np.resize(np.concatenate(pieces), round(seconds * RATE))

    @cached_property
    def _all(self) -> Wave:
        """One-second clips of all recordings, [n, samples]; the first of each recording before the second ones."""
        rounds: list[list[Wave]] = [[] for _ in _STARTS]
        for wave in self._waves(_STARTS[-1] + 1):
            for clips, start in zip(rounds, _STARTS, strict=True):
                clip = wave[round(start * RATE) :][:RATE]
                if len(clip) == RATE and (level := _level(clip)) > _SILENT:
                    clips.append(clip * np.float32(_LEVEL / level))
        clips = [clip for each in rounds for clip in each]
        if not clips:
            raise GenvaeError(f"No recording of {self._folder} has a second of sound at {_STARTS[0]:.0f} s.")
        return np.stack(clips)

    def _long(self, seconds: float) -> Wave:
        whole = self.recording(max(60.0, 6 * seconds))
        samples = round(seconds * RATE)
        return whole[: len(whole) // samples * samples].reshape(-1, samples)

    def _waves(self, seconds: float) -> Iterator[Wave]:
        """The beginning of each recording in mono at RATE, [samples]; shorter where the recording is."""
        sources: Iterable[Path | Callable[[], SoundStream]] = self._paths
        if self._folder is None:
            values = {"recordings": 24, "seconds": seconds}
            recordings = self._registry.make("dataset", "synthetic", values, Path("synthetic")).recordings()
            sources = (recording.open for recording in recordings)
        for source in sources:
            with suppress(AudioError, OSError):
                yield read_mono(source, RATE, seconds=seconds).wave


def _level(wave: Wave) -> float:
    return float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) if len(wave) else 0.0
