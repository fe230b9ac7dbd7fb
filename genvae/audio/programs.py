"""The programs that genvae asks for help where they are there (nothing heavy is imported here)."""

from __future__ import annotations

import shutil


def ffmpeg_missing() -> str | None:
    """What to do about it when ffmpeg is not there; None when it is."""
    if shutil.which("ffmpeg") and shutil.which("ffprobe"):
        return None
    return (
        "the programs ffmpeg and ffprobe are not on the PATH; install ffmpeg (apt install ffmpeg, brew install ffmpeg)"
    )
