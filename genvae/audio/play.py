"""Plays a sound file through the first player that this machine has."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from genvae.errors import GenvaeError, MissingError

PLAYERS = (
    ("afplay",),
    ("pw-play",),
    ("paplay",),
    ("aplay", "-q"),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "error"),
    ("play", "-q"),
)
"""Commands that take a file and end with it, the native ones of a system first."""


def play(path: Path) -> None:
    """Play a wav file to its end.

    Raises:
        MissingError: there is no player, or none of those here could play the file.
    """
    if sys.platform == "win32":
        import winsound

        winsound.PlaySound(str(path.resolve()), winsound.SND_FILENAME)
        return
    players = [player for player in PLAYERS if shutil.which(player[0])]
    if not players:
        raise MissingError("There is no player here. Install ffmpeg (for its ffplay) or alsa-utils (for its aplay).")
    failures = []
    for player in players:  # one that is installed may still have no sound server to talk to
        command = [*player, str(path.resolve())]  # absolute, as a name may begin with a dash
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        if done.returncode == 0:
            return
        complaints = done.stderr.strip().splitlines()
        failures.append(f"{player[0]}: {complaints[-1] if complaints else f'status {done.returncode}'}")
    raise GenvaeError(f"{path} could not be played: {'; '.join(failures)}.")
