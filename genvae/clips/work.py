"""The work on one recording, done in any process: decode it, chop it, write its shard, seal it (no torch here)."""

from __future__ import annotations

import errno
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genvae.clips.chop import FULL_SCALE, Chopper
from genvae.clips.shard import Seal, new_shard, write_seal
from genvae.errors import AudioError, OptionError, StoreError
from genvae.interfaces.dataset import Recording
from genvae.text import printable

_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # which reading a recording never gives


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How recordings become clips.

    dataset: name of the plugin. sample_rate: of the clips, in Hz. clip_ms: length of a clip in milliseconds.
    silence_db: clips whose peak is below it, relative to full scale, are dropped. validation: share of the recordings
    that are held out.

    Raises:
        OptionError: a value out of range.
    """

    dataset: str = "folder"
    sample_rate: int = 22050
    clip_ms: int = 1000
    silence_db: float = -60.0
    validation: float = 0.1

    def __post_init__(self) -> None:
        if not 1_000 <= self.sample_rate <= 384_000:
            raise OptionError(f"--sample-rate takes a number from 1000 to 384000 Hz, not {self.sample_rate}.")
        if not 10 <= self.clip_ms <= 600_000:
            raise OptionError(f"--clip-ms takes a number from 10 to 600000 milliseconds, not {self.clip_ms}.")
        if not self.silence_db <= 0:
            raise OptionError(f"--silence-db takes decibels below full scale, such as -60, not {self.silence_db}.")
        if not 0 <= self.validation < 1:
            raise OptionError(f"--validation takes a share from 0 up to 1, not {self.validation}.")

    @property
    def clip_samples(self) -> int:
        """Samples in a clip."""
        return round(self.sample_rate * self.clip_ms / 1000)

    def to_json(self) -> dict[str, Any]:
        """The settings as plain values."""
        return asdict(self)

    def content_digest(self) -> str:
        """Of the settings that a shard's content depends on, which the share for validation is not among."""
        said = [self.dataset, self.sample_rate, self.clip_samples, self.silence_db]
        return hashlib.blake2b(json.dumps(said).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Task:
    """One recording to decode; all of it pickles if the recording does.

    folder: of the shards. key: of its shard. source: the label of the SOURCE that it comes from.
    """

    folder: Path
    key: str
    source: str
    recording: Recording
    settings: Settings


def run_task(task: Task) -> Seal:
    """Decode, chop, check and seal a recording.

    What is wrong with the recording is in the seal; what is wrong with the machine is raised, and not sealed, so that
    the next run tries it again.

    Raises:
        OSError: it can't be reached.
        StoreError: nothing can be written any more, which concerns every other recording too.
    """
    try:
        return _run(task)
    except OSError as error:
        if error.errno in _UNWRITABLE:
            what = f"{printable(str(task.folder.parent))} can't be written: {error.strerror}"
            raise StoreError(f"{what}. What is done stays; run the same command again to go on.") from error
        raise


def _run(task: Task) -> Seal:
    settings, recording = task.settings, task.recording
    floor = FULL_SCALE * 10 ** (settings.silence_db / 20)
    offsets: list[int] = []
    peaks: list[int] = []
    silent = refused = clipped = 0
    seconds, reason, cut = 0.0, "", False
    with new_shard(task.folder, task.key, (settings.clip_samples,), "<i2") as shard:
        try:
            with recording.open() as stream:
                chopper = Chopper(stream, sample_rate=settings.sample_rate, clip_samples=settings.clip_samples)
                for clips in chopper:
                    peak = np.maximum(clips.samples.max(axis=1), -clips.samples.min(axis=1).astype(np.int32))
                    keep = clips.finite & (peak >= floor)
                    keep &= peak > 0
                    refused += int((~clips.finite).sum())
                    silent += int((clips.finite & ~keep).sum())
                    clipped += int((clips.clipped & keep).sum())
                    numbers = clips.number + np.flatnonzero(keep)
                    offsets += (numbers * settings.clip_samples).tolist()
                    peaks += peak[keep].tolist()
                    shard.append(clips.samples[keep])
                seconds = chopper.frames / stream.sample_rate
                reason = chopper.shortfall()
            cut = bool(reason)
        except AudioError as error:
            reason = str(error)
    if not shard.count and not reason:
        reason = _why_nothing(silent, refused)
    seal = Seal(
        key=task.key,
        source=task.source,
        id=recording.id,
        fingerprint=recording.fingerprint,
        settings=settings.content_digest(),
        state="skipped" if not shard.count else "partial" if cut else "kept",
        reason=reason,
        seconds=round(seconds, 6),
        clips=shard.count,
        silent=silent,
        refused=refused,
        clipped=clipped,
        bytes=shard.size,
        digest=shard.digest,
        offsets=offsets,
        peaks=peaks,
    )
    write_seal(task.folder, seal)
    return seal


def _why_nothing(silent: int, refused: int) -> str:
    if not silent and not refused:
        return "it holds no sound"
    if not refused:
        return "it is silent throughout"
    return f"no clip could be kept: {silent} silent, {refused} with NaN or infinity"
