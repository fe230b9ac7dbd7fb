"""Measures how near the inverses of the front ends come: the tables of docs/transforms.md.

    python benchmarks/transforms.py [FOLDER_OF_SOUNDS] [--rounds N] [--batch N] [--threads N]

Without a folder it measures on plucked chords that it makes itself. How fast the front ends are, beside their peers, is
what `genvae bench stft --against peers` tells.
"""

from __future__ import annotations

import argparse
import math
import platform
import statistics
import time
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import torch
from torch import Tensor

from genvae.audio.read import read_mono
from genvae.plugin.registry import installed
from genvae_plugins.peers import TORCHAUDIO, load
from genvae_plugins.transforms.mel import Mel

RATE = 22050
SECONDS = 1.0


def make(name: str, **values: Any) -> Any:
    return installed().make("transform", name, values, sample_rate=RATE)


def recorded(folder: Path, count: int) -> tuple[Tensor, Tensor]:
    """Seconds of sound: from the middle of each of `count` files, and from three places of each of the others.

    The first are chosen evenly over the sorted names. Silent ones are left out, as convergence is not defined for them.

    Returns:
        [count, samples] and [N, samples].
    """
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".wav", ".flac", ".ogg", ".mp3"))
    chosen = files[:: max(1, len(files) // count)]
    middles = [second(path, 0.5) for path in chosen]
    audible = [wave for wave in middles if wave.abs().max() > 0.01][:count]
    if len(audible) < count:
        raise SystemExit(f"{folder} has fewer than {count} sounds that are not silent; lower --batch.")
    rest = [second(path, place) for path in files if path not in chosen for place in (0.2, 0.5, 0.8)]
    return torch.stack(audible), torch.stack(rest)


def second(path: Path, place: float) -> Tensor:
    """One second of a file, mono, [samples]; `place` runs from 0 at its beginning to 1 at its end."""
    wave = whole(path)
    length = round(RATE * SECONDS)
    start = round(place * max(0, len(wave) - length))
    return torch.from_numpy(np.resize(wave[start : start + length], length))


@lru_cache(maxsize=1)
def whole(path: Path) -> np.ndarray[Any, Any]:
    return read_mono(path, RATE).wave


def made(count: int) -> Tensor:
    """Plucked chords over a little noise, [count, samples]."""
    generator = torch.Generator().manual_seed(0)
    time_ = torch.arange(round(RATE * SECONDS), dtype=torch.float64) / RATE
    clips = []
    for _ in range(count):
        wave = 0.003 * torch.randn(len(time_), generator=generator, dtype=torch.float64)
        for start, pitch in torch.rand(6, 2, generator=generator).tolist():
            since = (time_ - start).clamp_min(0)
            hertz = 80 * 2 ** (4 * pitch)
            for harmonic in range(1, 10):
                wave += 0.15 / harmonic * (-3 * since).exp() * torch.sin(2 * math.pi * hertz * harmonic * since)
        clips.append((0.9 * wave / wave.abs().max()).float())
    return torch.stack(clips)


def interleaved(contenders: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each call, by contender; one call of each comes first and does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for call in contenders.values():
        call()
    for _ in range(rounds):
        for name, call in contenders.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def convergence_db(wanted: Tensor, got: Tensor) -> float:
    """Spectral convergence, the mean over clips [B, bins, frames]."""
    ratios = [(w - g).norm() / w.norm() for w, g in zip(wanted, got, strict=True)]
    return 20 * statistics.fmean(math.log10(float(ratio)) for ratio in ratios)


def level_db(wanted: Tensor, got: Tensor, top: int) -> float:
    """Root-mean-square difference of levels below bin `top`, down to 80 dB under a full-scale sine."""
    a, b = (x[:, :top].clamp_min(256e-4).log10() * 20 for x in (wanted, got))
    return float((a - b).square().mean().sqrt())


@torch.no_grad()
def inverses(waves: Tensor, rounds: int) -> None:
    print("\n| way back | to | spectral convergence, dB | levels, dB | ms per clip |")
    print("|---|---|---|---|---|")
    wanted = make("stft").analyse(waves)

    def row(name: str, to: str, target: Tensor, back: Callable[[], Tensor], top: int) -> None:
        seconds = statistics.median(interleaved({name: back}, rounds)[name])
        got = back()
        print(
            f"| {name} | {to} | {convergence_db(target, got):.1f} | {level_db(target, got, top):.1f} "
            f"| {1e3 * seconds / len(waves):.1f} |"
        )

    for name, values in [
        ("stft", {}),
        ("mel", {}),
        ("mel", {"n_mels": 128}),
        ("mel", {"n_mels": 128, "formula": "htk"}),
        ("cqt", {}),
        ("cqt", {"bins": 168, "bins_per_octave": 24}),
        ("cqt", {"bins": 336, "bins_per_octave": 48}),
    ]:
        transform = make(name, **values)
        transform.fit([waves])
        features = transform(waves)
        said = " ".join([name, *(f"{key}={value}" for key, value in values.items())])
        own = transform.analyse(waves)
        row(said, "its own magnitudes", own, lambda t=transform, f=features: t.invert(f).exp(), own.shape[1])
        if transform.magnitude_spec:
            top = 513 if name == "mel" else round(transform.spec.f_max / RATE * 1024)
            row(said, "STFT magnitudes", wanted, lambda t=transform, f=features: t.magnitudes(t.invert(f)).exp(), top)
    mel = make("mel")
    assert isinstance(mel, Mel)
    bands = mel.analyse(waves)
    inverse = load(*TORCHAUDIO).InverseMelScale(513, 80, RATE, norm="slaney", mel_scale="slaney")
    row("torchaudio's InverseMelScale, 80 bands", "STFT magnitudes", wanted, lambda: inverse(bands), 513)
    row(
        "librosa's mel_to_stft, 80 bands",
        "STFT magnitudes",
        wanted,
        lambda: torch.from_numpy(librosa.feature.inverse.mel_to_stft(bands.numpy(), sr=RATE, n_fft=1024, power=1)),
        513,
    )
    for representation in ("real-imaginary", "magnitude-phase"):
        transform = make("complex", representation=representation)
        transform.fit([waves])
        features = transform(waves)
        parts = make("complex")(waves)  # as they are, before anything is fitted
        row(
            f"complex {representation}",
            "real and imaginary parts",
            parts,
            lambda t=transform, f=features: t.invert(f),
            513,
        )


@torch.no_grad()
def blurred(waves: Tensor, others: Tensor) -> None:
    """The way back from mel bands as a model with 128 latents may make them: of 128 principal components of clips."""
    print("\n| way back from blurred bands | spectral convergence, dB | levels, dB |")
    print("|---|---|---|")
    mel, wanted = make("mel"), make("stft").analyse(waves)
    known = torch.cat([mel(part).flatten(1) for part in others.split(64)])
    mean = known.mean(0)
    torch.manual_seed(0)  # of the randomised decomposition
    axes = torch.svd_lowrank(known - mean, 128, niter=4)[2]
    features = ((mel(waves).flatten(1) - mean) @ axes @ axes.T + mean).view(len(waves), mel.spec.bins, -1)
    bands = mel.invert(features).exp()
    clipped = (mel.estimate @ bands).clamp_min(0)
    row_sums = mel.filters.T @ mel.filters.sum(1, keepdim=True)
    ways = {
        "non-negative least squares": mel.magnitudes(bands.log()).exp(),
        "pseudo-inverse, clipped": clipped,
        "each band spread over its filter": mel.filters.T @ bands / row_sums.clamp_min(1e-12),
    }
    for name, got in ways.items():
        print(f"| {name} | {convergence_db(wanted, got):.1f} | {level_db(wanted, got, 513):.1f} |")


def machine(threads: int) -> str:
    """The machine, its threads and the versions of all contenders, in a line."""
    told = []
    for package in ("torch", "torchaudio", "nnAudio", "nnaudio2", "librosa", "numpy"):
        try:
            told.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            told.append(f"{package} not installed")
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    processor = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    return (
        f"{processor or platform.machine()}, {threads} thread(s), Python {platform.python_version()}, {', '.join(told)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="sounds to measure on")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=16, help="clips of a second in a batch")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    waves, others = recorded(chosen.folder, chosen.batch) if chosen.folder else (made(chosen.batch), None)
    print(machine(chosen.threads))
    print(
        f"{len(waves)} clips of {SECONDS:g} s at {RATE} Hz, FFT 1024, hop 256, {chosen.rounds} rounds, "
        f"{'recordings' if chosen.folder else 'made chords'}"
    )
    inverses(waves, min(3, chosen.rounds))
    if others is not None and len(others) > 128:
        blurred(waves, others)


if __name__ == "__main__":
    main()
