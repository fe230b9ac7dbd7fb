"""The work on one recording, done in any process: decode it, chop it, write its shard, seal it (no torch here)."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genvae.clips.chop import Chopper, Clips
from genvae.clips.shard import RecordingState, Seal, ShardWriter, new_shard, offsets_of, peaks_of, write_seal
from genvae.errors import AudioError, DiskError, ItemError, OptionError
from genvae.interfaces.dataset import Recording
from genvae.items import FULL_SCALE, ItemKind, kind_of
from genvae.plugin.declarations import SOUNDS
from genvae.text import printable

_OF_SOUNDS = ("sample_rate", "clip_ms", "silence_db")
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # reading gives them where temporary files have no room


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How recordings become clips.

    Attributes:
        dataset: name of the plugin.
        sample_rate: of the clips, in Hz.
        clip_ms: length of a clip in milliseconds.
        silence_db: clips whose peak is below it, relative to full scale, are dropped.
        validation: share of the recordings that are held out.
        items: the kind of items; only sounds have a rate, a length and silence.

    Raises:
        OptionError: a value out of range, or one that only sounds have, of other items.
    """

    dataset: str = "folder"
    sample_rate: int = 22050
    clip_ms: int = 1000
    silence_db: float = -60.0
    validation: float = 0.1
    items: str = SOUNDS

    def __post_init__(self) -> None:
        if self.items != SOUNDS:
            for name in _OF_SOUNDS:
                if getattr(self, name) != getattr(Settings, name):
                    raise OptionError(f"`{name}` is for sounds, and {self.dataset!r} gives other items: leave it out.")
        if not 1_000 <= self.sample_rate <= 384_000:
            raise OptionError(f"`sample_rate` takes a number from 1000 to 384000 Hz, not {self.sample_rate}.")
        if not 10 <= self.clip_ms <= 600_000:
            raise OptionError(f"`clip_ms` takes a number from 10 to 600000 milliseconds, not {self.clip_ms}.")
        if not self.silence_db <= 0:
            raise OptionError(f"`silence_db` takes decibels below full scale, such as -60, not {self.silence_db}.")
        if not 0 <= self.validation < 1:
            raise OptionError(f"`validation` takes a share from 0 up to 1, not {self.validation}.")

    @property
    def clip_samples(self) -> int:
        """Samples in a clip."""
        return round(self.sample_rate * self.clip_ms / 1000)

    def to_json(self) -> dict[str, Any]:
        """The settings as plain values, without those that say nothing of the items."""
        unsaid = ("items",) if self.items == SOUNDS else _OF_SOUNDS
        return {name: value for name, value in asdict(self).items() if name not in unsaid}

    @property
    def sounds(self) -> bool:
        """Whether the items are clips of sound."""
        return self.items == SOUNDS

    def kind(self) -> ItemKind:
        """The kind of items.

        Raises:
            PluginError: it can't be loaded.
        """
        return kind_of(self.items, sample_rate=self.sample_rate, clip_samples=self.clip_samples)

    def content_digest(self) -> str:
        """Of the settings that a shard's content depends on, which the share for validation is not among."""
        values: list[Any] = [self.dataset, self.items]
        if self.sounds:
            values = [self.dataset, self.sample_rate, self.clip_samples, self.silence_db]
        return hashlib.blake2b(json.dumps(values).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Task:
    """One recording to decode; all of it pickles if the recording does.

    Attributes:
        folder: of the shards.
        key: of its shard.
        source: the label of the SOURCE that it comes from.
        recording: that is decoded.
        settings: how it becomes clips.
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
        Unreachable: the recording can't be read just now.
        DiskError: the store can't be written, which concerns every other recording too.
    """
    try:
        return _run(task)
    except OSError as error:  # what reading raises is Unreachable by now
        where = printable(os.fsdecode(error.filename) if error.filename else str(task.folder.parent))
        what = f"{where} can't be written: {error.strerror or error}"
        raise DiskError(f"{what}. What is done stays; run the same command again to go on.") from error


class Unreachable(Exception):
    """A recording that the system doesn't give; its message is the system's."""


def _run(task: Task) -> Seal:
    settings, recording = task.settings, task.recording
    decoding = _decode(task, None) if settings.sounds else _read_items(task)
    if decoding.channel is not None:
        decoding = _decode(task, decoding.channel)
    reason = "; ".join(filter(None, (decoding.shortfall, *decoding.remarks)))
    if not decoding.shard.count and not reason:
        reason = _why_nothing(decoding.silent, decoding.refused) if settings.sounds else "it holds no item"
    state: RecordingState = "skipped" if not decoding.shard.count else "partial" if decoding.shortfall else "kept"
    seal = Seal(
        key=task.key,
        source=task.source,
        id=recording.id,
        fingerprint=recording.fingerprint,
        settings=settings.content_digest(),
        state=state,
        reason=reason,
        seconds=round(decoding.seconds, 6),
        clips=decoding.shard.count,
        silent=decoding.silent,
        refused=decoding.refused,
        clipped=decoding.clipped,
        bytes=decoding.shard.size,
        digest=decoding.shard.digest,
        offsets=offsets_of(decoding.offsets),
        peaks=peaks_of(decoding.peaks),
    )
    write_seal(task.folder, seal)
    return seal


@dataclass
class _Decoding:
    """What decoding a recording gave.

    Attributes:
        shard: with the clips that were kept.
        offsets: of each of them, in samples.
        peaks: of each of them.
        silent: clips that were left out for their peak.
        refused: clips that were left out because NaN, infinity or damage touches them.
        clipped: clips that were kept, though the sound went over full scale.
        seconds: decoded.
        shortfall: what is missing, and why.
        remarks: what else should be known of it.
        channel: that should be taken alone, as its channels cancel each other in mono; None if the mean is right.
    """

    shard: ShardWriter
    offsets: list[int] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)
    silent: int = 0
    refused: int = 0
    clipped: int = 0
    seconds: float = 0.0
    shortfall: str = ""
    remarks: list[str] = field(default_factory=list)
    channel: int | None = None


def _decode(task: Task, channel: int | None) -> _Decoding:
    """Write the shard of a recording, from one of its channels or from the mean of all."""
    settings = task.settings
    floor = FULL_SCALE * 10 ** (settings.silence_db / 20)
    with new_shard(task.folder, task.key, (settings.clip_samples,), "<i2") as shard:
        decoding = _Decoding(shard)
        for clips in _read(task, decoding, channel):
            _take(clips, decoding, floor)
    return decoding


def _read(task: Task, decoding: _Decoding, channel: int | None) -> Iterator[Clips]:
    """Yield a recording's clips, and note what was noticed of it; what the consumer raises never passes through here.

    Raises:
        Unreachable: it can't be read just now.
    """
    settings = task.settings
    try:
        with task.recording.open() as stream:
            chopper = Chopper(
                stream, sample_rate=settings.sample_rate, clip_samples=settings.clip_samples, channel=channel
            )
            yield from chopper
            mono = chopper.mono
            decoding.seconds = mono.frames / stream.sample_rate
            decoding.shortfall, decoding.remarks = mono.shortfall(), mono.remarks()
            if channel is None and mono.cancels:
                decoding.channel = mono.loudest
    except AudioError as error:
        decoding.shortfall = str(error)
    except OSError as error:
        raise _unreachable(error) from error


def _take(clips: Clips, decoding: _Decoding, floor: float) -> None:
    """Keep the clips that are whole and not silent, and count the others."""
    peak = np.maximum(clips.samples.max(axis=1), -clips.samples.min(axis=1).astype(np.int32))
    keep = clips.finite & (peak >= floor)
    keep &= peak > 0
    decoding.refused += int((~clips.finite).sum())
    decoding.silent += int((clips.finite & ~keep).sum())
    decoding.clipped += int((clips.clipped & keep).sum())
    numbers = clips.number + np.flatnonzero(keep)
    decoding.offsets += (numbers * clips.samples.shape[1]).tolist()
    decoding.peaks += peak[keep].tolist()
    decoding.shard.append(clips.samples[keep])


def _read_items(task: Task) -> _Decoding:
    """Write the shard of a recording of other items than sound, which come as a store keeps them."""
    kind = task.settings.kind()
    with new_shard(task.folder, task.key, kind.shape, kind.dtype) as shard:
        decoding = _Decoding(shard)
        for number, item in _items(task, decoding):
            wrong = kind.check(item)
            if wrong:
                decoding.refused += 1
                decoding.remarks = decoding.remarks or [f"item {number} was refused: {wrong}"]
            else:
                shard.append(np.rint(item * np.float32(kind.full_scale)).astype(kind.dtype)[None])
                decoding.offsets.append(number)
                decoding.peaks.append(0)
    return decoding


def _items(task: Task, found: _Decoding) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yield a recording's items with their numbers, as `_read` does its clips.

    Raises:
        Unreachable: it can't be read just now.
    """
    try:
        yield from enumerate(task.recording.open())
    except ItemError as error:
        found.shortfall = str(error)
    except OSError as error:
        raise _unreachable(error) from error


def _unreachable(error: OSError) -> Exception:
    """What reading a recording failed with, unless it is that temporary files have no room."""
    if error.errno in _UNWRITABLE:
        return error
    return Unreachable(error.strerror or " ".join(str(error).split()))


def _why_nothing(silent: int, refused: int) -> str:
    if not silent and not refused:
        return "it holds no sound"
    if not refused:
        return "it is silent throughout"
    return f"no clip could be kept: {silent} silent, {refused} with NaN, infinity or damage"
