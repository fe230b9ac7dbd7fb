"""Quality and speed of the vocoders and their peers on one-second clips of real recordings.

    OMP_NUM_THREADS=1 python benchmarks/vocoders.py FOLDER [--clips 12] [--repeats 7]

FOLDER holds recordings at any depth. One clip is taken of each of `--clips` recordings, spread over the sorted list;
the others train the principal components that blur the magnitudes, in the way a variational autoencoder does. One
thread; CPU time; each round runs every contender once, so that a busy machine hits all; medians over the rounds.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import importlib.metadata
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from genvae import FeatureSpec, windows
from genvae.registry import load_factory
from genvae_plugins.vocoders import genvae_vocoders
from genvae_plugins.vocoders.frames import Frames

RATE, N_FFT, HOP = 22050, 1024, 256
SPEC = FeatureSpec(
    kind="magnitude", bins=N_FFT // 2 + 1, sample_rate=RATE, n_fft=N_FFT, hop=HOP, window="hann", scale="log"
)
WINDOW = windows.of(SPEC)
COMPONENTS = 128
FLOOR = 1e-2  # added to magnitudes before their logarithm is blurred; a full-scale tone has 256
LEVEL = 0.1  # root mean square of every clip

Contender = Callable[[Tensor], Tensor]  # log magnitudes [B, bins, frames] -> waveforms [B, samples]


def ours(name: str, **values: object) -> Contender:
    plugin = next(plugin for plugin in genvae_vocoders() if plugin.name == name)
    vocoder = load_factory(plugin)(plugin.options(**values), spec=SPEC)
    return lambda logs: vocoder(logs, length=RATE)


def librosa_griffin_lim(iterations: int) -> Contender:
    librosa = importlib.import_module("librosa")
    options = dict(
        n_iter=iterations, hop_length=HOP, n_fft=N_FFT, length=RATE, pad_mode="constant", momentum=0.99, random_state=0
    )
    return lambda logs: torch.stack(
        [torch.from_numpy(librosa.griffinlim(clip.exp().numpy(), **options)) for clip in logs]
    )


def torchaudio_griffin_lim(iterations: int) -> Contender:
    functional = importlib.import_module("torchaudio.functional")

    def run(logs: Tensor) -> Tensor:
        torch.manual_seed(0)
        arguments = (WINDOW, N_FFT, HOP, N_FFT, 1.0, iterations, 0.99, RATE, True)
        return torch.stack([functional.griffinlim(clip.exp(), *arguments) for clip in logs])

    return run


def pghipy_with_our_synthesis() -> Contender:
    pghi = importlib.import_module("pghipy").pghi
    frames = Frames(SPEC, WINDOW, SPEC.frames(RATE), RATE)

    def run(logs: Tensor) -> Tensor:
        waves = []
        for clip in logs:
            magnitude = clip.exp().T.contiguous()
            phase = torch.from_numpy(pghi(magnitude.numpy(), N_FFT, HOP, 0.25645 * N_FFT**2, 1e-4))
            waves.append(frames.trim(frames.synthesise(torch.polar(magnitude, phase.float())[None])))
        return torch.cat(waves)

    return run


def contenders() -> Iterator[tuple[str, str, Callable[[], Contender]]]:
    """Method, options, and how to make it."""
    for n in (32, 64):
        yield "librosa griffinlim", f"{n} rounds", lambda n=n: librosa_griffin_lim(n)
    for n in (32, 64):
        yield "torchaudio griffinlim", f"{n} rounds", lambda n=n: torchaudio_griffin_lim(n)
    yield "pghipy, our synthesis", "tolerance 1e-4", pghipy_with_our_synthesis
    yield "zero-phase", "", lambda: ours("zero-phase")
    yield "spsi", "", lambda: ours("spsi")
    yield "pghi", "", lambda: ours("pghi")
    for start in ("ridges", "queue"):
        for n in (0, 4, 8, 12, 16, 32):
            yield (
                "pghi-refined",
                f"{start}, {n} rounds",
                lambda s=start, n=n: ours("pghi-refined", start=s, iterations=n),
            )
    for n in (32, 64, 500):
        yield "griffin-lim", f"{n} rounds", lambda n=n: ours("griffin-lim", iterations=n)
    yield "pghi-refined", "queue, 500 rounds", lambda: ours("pghi-refined", start="queue", iterations=500)
    yield "raar", "ridges, 500 rounds", lambda: ours("raar", iterations=500)
    yield "raar", "queue, 500 rounds", lambda: ours("raar", start="queue", iterations=500)


def clip_of(path: Path, second: float) -> Tensor | None:
    """One second of a recording at RATE, [samples], brought to LEVEL; None where there is none, or silence."""
    with soundfile.SoundFile(path) as file:
        begin = min(int(second * file.samplerate), max(0, file.frames - file.samplerate))
        file.seek(begin)
        sound = file.read(file.samplerate, dtype="float32", always_2d=True).mean(1)
    sound = soxr.resample(sound, file.samplerate, RATE)[:RATE]
    loudness = float(np.sqrt(np.mean(np.square(sound)))) if len(sound) else 0.0
    if len(sound) < RATE or loudness < 1e-4:
        return None
    return torch.from_numpy(np.ascontiguousarray(sound, dtype=np.float32)) * (LEVEL / loudness)


def magnitudes(waves: Tensor) -> Tensor:
    spectrum = torch.stft(waves, N_FFT, HOP, window=WINDOW, pad_mode="constant", return_complex=True)
    return spectrum.abs()


def load(folder: Path, count: int) -> tuple[Tensor, Tensor]:
    """Magnitudes [clips, bins, frames] to rebuild, and those that others of the recordings train the blur with."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".wav", ".flac", ".ogg", ".mp3"})
    if len(paths) < count:
        raise SystemExit(f"{folder} holds {len(paths)} recordings, fewer than the {count} clips asked for.")
    chosen = {paths[int((i + 0.5) * len(paths) / count)] for i in range(count)}
    test = [clip for path in sorted(chosen) if (clip := clip_of(path, 20.0)) is not None]
    rest = [p for p in paths if p not in chosen]
    train = [clip for p in rest for second in (15.0, 30.0, 45.0) if (clip := clip_of(p, second)) is not None]
    return magnitudes(torch.stack(test)), magnitudes(torch.stack(train))


def blurred(wanted: Tensor, train: Tensor) -> Tensor:
    """Magnitudes as COMPONENTS principal components of whole log spectrograms keep them."""
    rows = (train + FLOOR).log().flatten(1)
    mean = rows.mean(0)
    rows = rows - mean
    _, vectors = torch.linalg.eigh((rows @ rows.T).double())
    basis = rows.T @ vectors[:, -COMPONENTS:].float()
    basis /= basis.norm(dim=0)
    kept = ((wanted + FLOOR).log().flatten(1) - mean) @ basis @ basis.T + mean
    return kept.exp().sub(FLOOR).clamp_min(1e-4).view_as(wanted)


def convergence(wanted: Tensor, waves: Tensor) -> float:
    """Mean over the clips of the spectral convergence in dB."""
    apart = (magnitudes(waves) - wanted).flatten(1).norm(dim=1) / wanted.flatten(1).norm(dim=1)
    return float(20 * apart.log10().mean())


FIRST_CLIP = """
import sys, time, torch
import genvae
from genvae.registry import load_factory
from genvae_plugins.vocoders import genvae_vocoders
torch.set_num_threads(1)
torch.fft.irfft(torch.fft.rfft(torch.zeros(1024)))
begin = time.process_time()
plugin = next(p for p in genvae_vocoders() if p.name == sys.argv[1])
values = dict(pair.split("=") for pair in sys.argv[2:])
spec = genvae.FeatureSpec(
    kind="magnitude", bins=513, sample_rate=22050, n_fft=1024, hop=256, window="hann", scale="log"
)
load_factory(plugin)(plugin.options(**values), spec=spec)(torch.randn(1, 513, 87))
print(time.process_time() - begin)
"""


def first_clip(cache: str, *arguments: str) -> float:
    """CPU seconds from `import torch` to the first clip of a new process."""
    command = [sys.executable, "-c", FIRST_CLIP, *arguments]
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"{package} not installed"


def processor() -> str:
    """The processor's model where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(": ")[1] for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    wanted, train = load(arguments.folder, arguments.clips)
    cases = {"exact": wanted.clamp_min(1e-9), "blurred": blurred(wanted, train)}
    logs = {name: case.log() for name, case in cases.items()}
    quality: dict[tuple[str, str], list[float]] = {}
    times: dict[tuple[str, str], list[float]] = {}
    missing: dict[tuple[str, str], str] = {}
    ready: dict[tuple[str, str], Contender] = {}
    for method, options, maker in contenders():
        try:
            contender = maker()
        except (ImportError, OSError, RuntimeError) as error:
            missing[method, options] = f"not measured: {' '.join(str(error).split())}"
            continue
        ready[method, options] = contender
        quality[method, options] = [convergence(cases[case], contender(logs[case])) for case in cases]  # and warms up

    spectrum = torch.fft.rfft(torch.randn(SPEC.frames(RATE), N_FFT))
    pair: list[float] = []
    for _ in range(arguments.repeats):
        for key, contender in ready.items():
            begin = time.process_time()
            contender(logs["exact"])
            times.setdefault(key, []).append((time.process_time() - begin) / len(wanted) * 1e3)
        begin = time.process_time()
        for _ in range(100):
            torch.fft.rfft(torch.fft.irfft(spectrum, n=N_FFT))
        pair.append((time.process_time() - begin) / 100 * 1e3)

    packages = ("torch", "numba", "numpy", "librosa", "torchaudio", "pghipy")
    print(
        f"{processor()}, {platform.system()}, Python {platform.python_version()}, "
        f"{torch.get_num_threads()} thread, {datetime.date.today()}"
    )
    print(", ".join(map(version, packages)))
    print(
        f"{len(wanted)} clips of one second, {RATE} Hz, FFT {N_FFT}, hop {HOP}, hann; {arguments.repeats} repeats; "
        f"blurred by {COMPONENTS} components learnt from {len(train)} other clips\n"
    )
    print("| method | options | exact dB | blurred dB | ms/s | spread | x real time |")
    print("|---|---|---|---|---|---|---|")
    for method, options, _ in contenders():
        if why := missing.get((method, options)):
            print(f"| {method} | {options} | {why} | | | | |")
            continue
        exact, blur = quality[method, options]
        taken = times[method, options]
        middle = statistics.median(taken)
        spread = f"{min(taken):.2f}-{max(taken):.2f}"
        print(f"| {method} | {options} | {exact:.2f} | {blur:.2f} | {middle:.2f} | {spread} | {1e3 / middle:.0f} |")

    last, first = (statistics.median(times["pghi-refined", f"ridges, {n} rounds"]) for n in (32, 0))
    each = (last - first) / 32
    alone = statistics.median(pair)
    print(f"\nOne round: {each:.3f} ms/s; its two FFTs alone: {alone:.3f} ms/s; ratio {each / alone:.2f}.")
    with tempfile.TemporaryDirectory() as cache:
        print("First clip of a new process after `import torch`, CPU seconds:")
        print(f"  pghi-refined (ridges)              {first_clip(cache, 'pghi-refined'):.2f}")
        print(f"  pghi, nothing compiled before      {first_clip(cache, 'pghi'):.2f}")
        print(f"  pghi, compiled by an earlier run   {first_clip(cache, 'pghi'):.2f}")


if __name__ == "__main__":
    main()
