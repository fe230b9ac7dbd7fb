"""Opens any sound file: through libsndfile where that reads it, through ffmpeg where it does not."""

from __future__ import annotations

from pathlib import Path

from genvae.audio.decode import SUFFIXES, SoundfileStream
from genvae.audio.programs import ffmpeg_missing
from genvae.errors import AudioError
from genvae.interfaces.dataset import SoundStream
from genvae.places import is_remote


def open_sound(path: Path) -> SoundStream:
    """A stream of a sound file, or of a video's first sound track.

    Raises:
        AudioError: neither can read it; without ffmpeg, what to do about that.
        OSError: the file can't be opened.
    """
    try:
        return SoundfileStream(path)
    except AudioError as error:
        missing = ffmpeg_missing()
        if missing:
            hint = "" if path.suffix.lower() in SUFFIXES else f"; {missing}"
            raise AudioError(f"{error}{hint}") from error
        from genvae.audio.ffmpeg import FfmpegStream

        try:
            return FfmpegStream(path)
        except AudioError as other:
            raise (error if path.suffix.lower() in SUFFIXES else other) from None


def ffmpeg_reads(path: Path) -> bool:
    """Whether ffmpeg is here and gets sound out of a file."""
    if is_remote(path) or ffmpeg_missing():
        return False
    from genvae.audio.ffmpeg import FfmpegStream

    try:
        with FfmpegStream(path) as stream:
            return any(len(block) for block in stream.blocks(1 << 10))
    except (AudioError, OSError):
        return False
