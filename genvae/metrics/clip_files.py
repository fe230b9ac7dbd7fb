"""Clips as files: those that are measured in place of a run's own, and the worst ones, written to be listened to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

import genvae
from genvae.audio import wav
from genvae.audio.decode import SUFFIXES
from genvae.audio.read import read_mono
from genvae.clips.store import ClipStore
from genvae.errors import AudioError, GenvaeError
from genvae.files import write_whole
from genvae.metrics.embedder import Waves
from genvae.metrics.evaluation import Evaluation
from genvae.metrics.worst import Oddity
from genvae.text import file_stem


def read_clips(folder: Path, genres: tuple[str, ...], store: ClipStore) -> dict[str, Waves]:
    """The sound files of a folder with a subfolder for each genre, [N, clip_samples] at the store's rate.

    Of each file the first clip counts; a shorter one is filled with silence.

    Raises:
        GenvaeError: a genre has no folder, or too few files.
        AudioError: a file can't be read.
    """
    clips: dict[str, Waves] = {}
    for genre in genres:
        inside = folder / genre
        if not inside.is_dir():
            raise GenvaeError(
                f"{inside} is not there. Put the clips of each genre into {folder}/GENRE, with GENRE one "
                f"of {', '.join(genres)}."
            )
        files = sorted(file for file in inside.iterdir() if file.suffix.lower() in SUFFIXES)
        if len(files) < 2:
            raise GenvaeError(f"{inside} holds {len(files)} sound files; two is the least that can be compared.")
        clips[genre] = np.stack([_first_clip(file, store) for file in files])
    return clips


def write_worst(evaluation: Evaluation, folder: Path, count: int) -> list[tuple[Path, Oddity]]:
    """Write the generated clips that are farthest from real ones, `count` of each genre, with what is odd about them.

    Raises:
        OSError: a file can't be written.
    """
    oddities, clips = evaluation.worst(count)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    places: Counter[str] = Counter()
    for oddity in oddities:
        places[oddity.genre] += 1
        path = folder / f"{file_stem(oddity.genre)}-{places[oddity.genre]}-clip-{oddity.index:03d}.wav"
        about = {"ISFT": f"genvae {genvae.__version__}", "ICMT": str(oddity)}
        write_whole(path, wav.encode(clips[oddity.genre][oddity.index], evaluation.judge.store.sample_rate, about))
        written.append((path, oddity))
    return written


def _first_clip(file: Path, store: ClipStore) -> Waves:
    samples = store.clip_samples
    try:
        wave = read_mono(file, store.sample_rate, seconds=samples / store.sample_rate).wave
    except OSError as error:
        raise AudioError(f"{file}: {error.strerror}.") from error
    except AudioError as error:
        raise AudioError(f"{file}: {error}.") from error
    return np.pad(wave[:samples], (0, max(samples - len(wave), 0)))
