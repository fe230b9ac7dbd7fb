"""Opens whatever ffmpeg decodes as a SoundStream, which is read in blocks through a pipe.

pydub finds ffmpeg and ffprobe; its AudioSegment would hold a whole recording in memory, so the sound does not go
through one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydub import AudioSegment
from pydub.utils import get_prober_name

from genvae.audio.decode import require_sane, require_sound_file
from genvae.audio.stretches import Damage
from genvae.errors import AudioError
from genvae.places import is_remote

# No network and no options from a file's name or content: a playlist in disguise may name only local files.
_SAFE = ("-hide_banner", "-v", "error", "-protocol_whitelist", "file,pipe")
_TELLS_LENGTH = {"mov", "matroska", "asf", "wav", "flac", "aiff", "avi"}  # formats whose duration is no estimate
_SLACK = 0.1  # seconds; containers count to the packet, and encoders add a delay
_SPEAKER = re.compile(r"^(\[[^]]*\] *)+")  # which part of ffmpeg speaks, with an address
_PROBE_SECONDS = 60
_BLOCK = 16384  # frames, so that complaints are noticed soon
_READ_AHEAD = 1.0  # seconds by which ffmpeg may have decoded more than was read from it


class FfmpegStream:
    """The first sound track of a file, decoded by ffmpeg while it is read.

    Attributes:
        sample_rate: in Hz.
        channels: at least 1.
        frames: sample frames that the container says it has, less a tenth of a second; None where it only guesses.
        damage: where ffmpeg complained so far, as far as that can be told: it reads ahead.

    Raises:
        AudioError: ffprobe finds no sound in it.
        OSError: the file can't be opened.
    """

    def __init__(self, path: Path) -> None:
        if is_remote(path):
            raise AudioError("ffmpeg reads files of this machine alone, and it lies on a URL")
        require_sound_file(path)
        self.damage: list[Damage] = []
        self._name = f"file:{path.absolute()}"  # never an option, a protocol or a pattern, whatever the name
        track, container = _probe(self._name)
        self.sample_rate, self.channels = _count(track, "sample_rate"), _count(track, "channels")
        require_sane(self.sample_rate, self.channels)
        self.frames: int | None = None
        if _TELLS_LENGTH & set(str(container.get("format_name")).split(",")):
            with contextlib.suppress(KeyError, TypeError, ValueError, OverflowError):
                seconds = float(track.get("duration") or container["duration"])
                self.frames = max(int((seconds - _SLACK) * self.sample_rate), 0)
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # closed by __exit__  # noqa: SIM115

    def blocks(self, frames: int) -> Iterator[NDArray[np.float32]]:
        """Yield float32 [n, channels] with 0 < n <= frames, full scale at ±1.

        Raises:
            AudioError: ffmpeg gave up.
        """
        command = [AudioSegment.converter, *_SAFE, "-nostdin", "-i", self._name, "-map", "0:a:0", "-vn", "-sn", "-dn"]
        # Rate and channels are said because they may change within a file; ffmpeg then brings them to the first ones.
        command += ["-ar", str(self.sample_rate), "-ac", str(self.channels), "-f", "f32le", "-"]
        # To a file, since a full pipe of complaints would stop ffmpeg.
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._complaints
        )
        assert self._process.stdout is not None  # asked for above
        size = 4 * self.channels
        frames = min(frames, _BLOCK)
        at = complaint_bytes = 0  # sample frames so far, and bytes of complaints
        while content := self._process.stdout.read(frames * size):
            block = np.frombuffer(content[: len(content) // size * size], "<f4").astype(np.float32)
            complaint_bytes = self._note(at, complaint_bytes)
            if len(block):
                at += len(block) // self.channels
                yield block.reshape(-1, self.channels)
        status = self._process.wait()
        complaint_bytes = self._note(at, complaint_bytes)
        if status:
            self._complaints.seek(0)
            raise AudioError(_last_line(self._complaints.read(1 << 16), self._name))

    def _note(self, at: int, complaint_bytes: int) -> int:
        """Note what ffmpeg complained about after so many bytes, near sample frame `at`; how many there are now."""
        size = os.fstat(self._complaints.fileno()).st_size
        if size > complaint_bytes:
            complaints = os.pread(self._complaints.fileno(), min(size - complaint_bytes, 1 << 16), complaint_bytes)
            spread = round(_READ_AHEAD * self.sample_rate)
            self.damage.append(
                Damage(at, at, f"within {_READ_AHEAD:g} s, {_last_line(complaints, self._name)}", spread)
            )
        return size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.kill()
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process.wait()
        self._complaints.close()


def _probe(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What ffprobe says of the first sound track and of its container."""
    command = [get_prober_name(), *_SAFE, "-of", "json", "-show_format", "-show_streams", "-select_streams", "a:0"]
    try:
        answer = subprocess.run([*command, name], stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise AudioError(f"ffprobe found nothing in it within {_PROBE_SECONDS} s") from error
    if answer.returncode:
        raise AudioError(_last_line(answer.stderr, name))
    report = json.loads(answer.stdout.decode("utf-8", "replace"))
    if not report.get("streams"):
        raise AudioError("it has no sound track")
    return report["streams"][0], report.get("format", {})


def _count(track: dict[str, Any], name: str) -> int:
    try:
        return int(track[name])
    except (KeyError, TypeError, ValueError) as error:
        raise AudioError(f"ffprobe can't tell its {name.replace('_', ' ')}") from error


def _last_line(complaints: bytes, name: str) -> str:
    """The last thing that ffmpeg said, without the file's name."""
    text = complaints.decode("utf-8", "surrogateescape").replace(name, "").strip()
    if not text:
        return "ffmpeg failed without a word"
    return f"ffmpeg: {_SPEAKER.sub('', text.splitlines()[-1]).strip(' :')}"
