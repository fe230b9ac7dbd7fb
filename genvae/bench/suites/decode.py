"""Suite `decode`: from sound files in four formats, stereo at 44.1 kHz, to samples at that rate."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from genvae.audio.open import open_sound
from genvae.bench.contest import Call, Case, Contender, Scale
from genvae.bench.sounds import RATE
from genvae.bench.suites import Context

SECONDS = 60.0
FILE_RATE = 44100  # Hz
FORMATS = {"ogg": "VORBIS", "mp3": "MPEG_LAYER_III", "flac": "PCM_16", "wav": "PCM_16"}
"""Suffixes, and the names that libsndfile has for what is in them."""


def cases(context: Context) -> Iterator[Case]:
    """A case for each format: our blocks, the file whole, and the peers."""
    for suffix in FORMATS:
        path = recording(context, suffix)
        yield Case(
            suite="decode",
            name=f"{suffix}, {SECONDS:g} s",
            baseline="genvae",
            scales=[Scale("speed", "x real time", SECONDS, rate=True)],
            contenders=[
                Contender(name="genvae", make=partial(_genvae, path)),
                Contender(name="soundfile", make=partial(_soundfile, path)),
                Contender(name="librosa", make=partial(_librosa, path), peer=True),
                Contender(name="torchaudio", make=partial(_torchaudio, path), peer=True),
                Contender(name="pydub", make=partial(_pydub, path), peer=True),
            ],
        )


def recording(context: Context, suffix: str) -> Path:
    """A file of SECONDS of sound, in stereo at FILE_RATE; made when it is first asked for."""
    path = context.scratch / "recordings" / "genre" / f"sound.{suffix}"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        mono = soxr.resample(context.sounds.recording(SECONDS), RATE, FILE_RATE)
        stereo = np.stack([mono, np.roll(mono, 441)], axis=1).clip(-1, 1)  # the sides differ, as in a room
        with soundfile.SoundFile(path, "w", FILE_RATE, 2, FORMATS[suffix], format=suffix.upper()) as file:
            for start in range(0, len(stereo), FILE_RATE):  # libsndfile crashes over much Vorbis at once
                file.write(stereo[start : start + FILE_RATE])
    return path


def _genvae(path: Path) -> Call:
    def call() -> int:
        with open_sound(path) as stream:
            return sum(len(block) for block in stream.blocks(1 << 16))

    return call


def _soundfile(path: Path) -> Call:
    return lambda: soundfile.read(path, dtype="float32")


def _librosa(path: Path) -> Call:
    librosa = importlib.import_module("librosa")
    return lambda: librosa.load(path, sr=None)


def _torchaudio(path: Path) -> Call:
    torchaudio = importlib.import_module("torchaudio")
    torchaudio.load(str(path))  # which from 2.9 on needs torchcodec, and says so
    return lambda: torchaudio.load(str(path))


def _pydub(path: Path) -> Call:
    segment: Any = importlib.import_module("pydub").AudioSegment

    def call() -> object:
        sound = segment.from_file(path)
        return np.asarray(sound.get_array_of_samples(), dtype=np.float32) / 32768

    return call
