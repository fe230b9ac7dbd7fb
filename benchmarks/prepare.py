"""Speed of preparing clips, from a file to log magnitudes, beside other ways to do it and beside decoding alone.

    OMP_NUM_THREADS=1 python benchmarks/prepare.py FOLDER [--seconds 120] [--rounds 3]

FOLDER holds recordings; a part of some of them is written as ogg, mp3, flac and wav at 44.1 kHz in stereo. Contenders
take turns in each round; processor time, that of ffmpeg included; medians. The last table is of wall-clock time.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from genvae.audio.open import open_sound
from genvae.clips.prepare import prepare
from genvae.clips.shard import map_shard
from genvae.clips.work import Settings, Task, run_task
from genvae.dataset import Recording
from genvae.registry import installed, load_factory

RATE, CLIP, N_FFT, HOP = 22050, 22050, 1024, 256
SOURCE_RATE = 44100
FORMATS = ("ogg", "mp3", "flac", "wav")


def write_formats(folder: Path, out: Path, seconds: int) -> None:
    """Put `seconds` of the recordings in `folder` one after the other, in stereo, and write them in every format."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".wav", ".flac", ".ogg", ".mp3"})
    parts, left = [], seconds
    for path in paths[:: max(1, len(paths) // 4)]:
        with soundfile.SoundFile(path) as file:
            sound = file.read(min(left, 40) * file.samplerate, dtype="float32", always_2d=True).mean(1)
            parts.append(soxr.resample(sound, file.samplerate, SOURCE_RATE))
        left -= len(sound) // file.samplerate
        if left <= 0:
            break
    mono = np.clip(np.concatenate(parts), -1, 1)
    stereo = np.stack([mono, np.roll(mono, 20)], axis=1)
    for suffix in FORMATS:
        with soundfile.SoundFile(out / f"sound.{suffix}", "w", SOURCE_RATE, 2) as file:
            for start in range(0, len(stereo), 1 << 14):  # libsndfile's Vorbis encoder crashes on long blocks
                file.write(stereo[start : start + (1 << 14)])


def decode(path: Path) -> float:
    """Decode a file and do nothing with it; its seconds."""
    with open_sound(path) as stream:
        return sum(len(block) for block in stream.blocks(1 << 14)) / stream.sample_rate


def clips(path: Path, shards: Path) -> np.ndarray:
    """Clips as genvae stores them, int16 [n, samples], checked, hashed and on disk."""
    recording = Recording(id=path.name, genre="any", open=partial(open_sound, path), fingerprint="")
    key = f"{FORMATS.index(path.suffix[1:]):032x}"
    seal = run_task(Task(shards, key, "source", recording, Settings()))
    return map_shard(shards, key, seal.clips, (CLIP,), "<i2")


def ours(path: Path, shards: Path) -> None:
    """Clips on disk, then the features of `stft`."""
    plugin = installed().plugin("transform", "stft")
    transform = load_factory(plugin)(plugin.options(n_fft=N_FFT, hop=HOP), sample_rate=RATE)
    items = clips(path, shards)
    with torch.no_grad():
        for start in range(0, len(items), 64):
            transform(torch.from_numpy(items[start : start + 64] * np.float32(1 / 32768)))


def with_pydub(path: Path, folder: Path) -> None:
    """Velardo, Generating Sound with Neural Networks (2021): chunks as wav files, each loaded by librosa."""
    import librosa
    from pydub import AudioSegment

    for number, chunk in enumerate(AudioSegment.from_file(path)[::1000]):
        name = folder / f"{number}.wav"
        chunk.export(name, format="wav").close()
        wave, _ = librosa.load(name, sr=RATE, mono=True)
        np.log(np.abs(librosa.stft(wave, n_fft=N_FFT, hop_length=HOP)) + 1e-4)


def with_librosa(path: Path, _: Path) -> None:
    import librosa

    wave, _ = librosa.load(path, sr=RATE, mono=True)
    for start in range(0, len(wave), CLIP):
        np.log(np.abs(librosa.stft(wave[start : start + CLIP], n_fft=N_FFT, hop_length=HOP)) + 1e-4)


def with_soundfile(path: Path, _: Path) -> None:
    """The whole file by soundfile, resampled by soxr, torch.stft."""
    sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    wave = torch.from_numpy(soxr.resample(sound.mean(1), rate, RATE))
    window = torch.hann_window(N_FFT)
    for clip in wave.split(CLIP):
        (torch.stft(clip, N_FFT, HOP, window=window, pad_mode="constant", return_complex=True).abs() + 1e-4).log()


CONTENDERS: dict[str, Callable[[Path, Path], object]] = {
    "pydub to wav files, librosa": with_pydub,
    "librosa": with_librosa,
    "soundfile, soxr, torch.stft": with_soundfile,
    "genvae, clips on disk": clips,
    "genvae, and features of them": ours,
    "decoding alone": lambda path, _: decode(path),
}


def processor_seconds() -> float:
    """Of this process and of those that it waited for."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in used)


def processes(folder: Path, seconds: float) -> None:
    """Wall-clock speed of `genvae prepare` with one and with two processes."""
    source = folder / "source"
    (source / "any").mkdir(parents=True)
    for number in range(4):
        (source / "any" / f"{number}.ogg").symlink_to(folder / "sound.ogg")
    plugin = installed().plugin("dataset", "folder")
    taken: dict[int, list[float]] = {1: [], 2: []}
    for round_ in range(2):
        for workers in taken:
            dataset = load_factory(plugin)(plugin.options(), source)
            began = time.perf_counter()
            prepare([dataset], folder / f"store{round_}{workers}", Settings(), workers=workers)
            taken[workers].append(time.perf_counter() - began)
    one, two = (statistics.median(t) for t in taken.values())
    print(f"\n4 recordings as ogg, wall clock: one process {4 * seconds / one:,.0f} x real time, two "
          f"{4 * seconds / two:,.0f}; ratio {one / two:.2f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_formats(chosen.folder, folder, chosen.seconds)
        seconds = decode(folder / "sound.wav")
        taken: dict[tuple[str, str], list[float]] = {}
        for round_ in range(chosen.rounds + 1):
            for suffix in FORMATS:
                for contender, run in CONTENDERS.items():
                    began = processor_seconds()
                    run(folder / f"sound.{suffix}", folder)
                    if round_:  # the first one warms up
                        taken.setdefault((contender, suffix), []).append(processor_seconds() - began)
        print(f"{seconds:.0f} s at {SOURCE_RATE} Hz in stereo, {chosen.rounds} rounds, times real time\n")
        print(f"| | {' | '.join(FORMATS)} |\n|---|{'---|' * len(FORMATS)}")
        for contender in CONTENDERS:
            speeds = (seconds / statistics.median(taken[contender, suffix]) for suffix in FORMATS)
            print(f"| {contender} | {' | '.join(f'{speed:,.0f}' for speed in speeds)} |")
        processes(folder, seconds)


if __name__ == "__main__":
    main()
