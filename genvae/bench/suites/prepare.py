"""Suite `prepare`: from a recording to stored clips, and on to log magnitudes, beside the usual ways to these."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from genvae.bench.contest import Call, Case, Contender, Scale
from genvae.bench.sounds import RATE
from genvae.bench.suites import Context
from genvae.bench.suites.decode import FORMATS, SECONDS, recording
from genvae.clips.prepare import prepare
from genvae.clips.store import ClipStore
from genvae.clips.work import Settings

_BATCH = 16  # clips of which log magnitudes are computed at once


class Here(Executor):
    """Runs a task where it stands: no process is started, and one core does all the work."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run it now."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def cases(context: Context, formats: Iterable[str] = tuple(FORMATS)) -> Iterator[Case]:
    """A case for each format."""
    for suffix in formats:
        source = context.scratch / f"prepare-{suffix}"
        if not source.exists():
            (source / "genre").mkdir(parents=True)
            shutil.copy(recording(context, suffix), source / "genre")
        [path] = (source / "genre").iterdir()
        store, chunks = context.scratch / "store", context.scratch / "chunks"
        yield Case(
            suite="prepare",
            name=f"{suffix}, {SECONDS:g} s",
            baseline="genvae prepare, log magnitudes",
            scales=[Scale("speed", "x real time", SECONDS, rate=True)],
            contenders=[
                _contender("genvae prepare", _prepare, context, source, store),
                _contender("genvae prepare, log magnitudes", _prepare_and_transform, context, source, store),
                _contender("decoding alone (soundfile)", _decode, context, path, store),
                _contender("librosa, log magnitudes", _librosa, context, path, store, peer=True),
                _contender("pydub's wav chunks, librosa", _original, context, path, chunks, peer=True),
            ],
        )


def _contender(
    name: str,
    make: Callable[[Context, Path, Path], Call],
    context: Context,
    source: Path,
    out: Path,
    peer: bool = False,
) -> Contender:
    def clear() -> None:
        shutil.rmtree(out, ignore_errors=True)

    return Contender(name=name, make=lambda: make(context, source, out), peer=peer, before=clear)


def _prepare(context: Context, source: Path, store: Path) -> Call:
    dataset = context.registry.make("dataset", "genvae:folder", {}, source)
    return lambda: prepare([dataset], store, Settings(sample_rate=RATE), executor=Here())


def _prepare_and_transform(context: Context, source: Path, store: Path) -> Call:
    first = _prepare(context, source, store)
    transform = context.registry.make("transform", "stft", sample_rate=RATE)

    def call() -> None:
        first()
        clips = ClipStore.open(store)
        with torch.no_grad():
            for start in range(0, len(clips), _BATCH):
                transform(torch.from_numpy(clips.waves(np.arange(start, min(start + _BATCH, len(clips))))))

    return call


def _decode(context: Context, path: Path, out: Path) -> Call:
    return lambda: soundfile.read(path, dtype="float32")


def _librosa(context: Context, path: Path, out: Path) -> Call:
    librosa = importlib.import_module("librosa")

    def call() -> None:
        wave, _ = librosa.load(path, sr=RATE)
        for start in range(0, len(wave), RATE):
            _log_magnitudes(librosa, wave[start : start + RATE])

    return call


def _original(context: Context, path: Path, chunks: Path) -> Call:
    """The way of the first version of this toolkit: pydub cuts one-second wav files, which librosa reads again."""
    segment: Any = importlib.import_module("pydub").AudioSegment
    librosa = importlib.import_module("librosa")

    def call() -> None:
        chunks.mkdir(parents=True)
        sound = segment.from_file(path)
        for start in range(0, len(sound), 1000):
            sound[start : start + 1000].export(chunks / f"{start}.wav", format="wav")
        for chunk in sorted(chunks.iterdir()):
            wave, _ = librosa.load(chunk, sr=RATE)
            _log_magnitudes(librosa, wave)

    return call


def _log_magnitudes(librosa: Any, wave: np.ndarray[Any, Any]) -> object:
    return np.log(np.abs(librosa.stft(wave, n_fft=1024, hop_length=256)) + 1e-4)
