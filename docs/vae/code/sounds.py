"""Draws the pictures of docs/vae/sounds.md and writes its numbers, from the pretrained run and pure tones.

python docs/vae/code/sounds.py
python docs/vae/code/sounds.py --out somewhere
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import numpy as np
import torch
from matplotlib import pyplot as plt

from genvae.latents.map import LatentMap
from genvae.latents.near import nearest
from genvae.plugin.registry import installed
from genvae.pretrained import pretrained_run
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer

HERE = Path(__file__).resolve().parent.parent
CLIPS, NEIGHBOURS, ASKED = 20, 10, 200  # generated clips of a genre; neighbours of a code; codes of a genre


def sampling(path: Path) -> None:
    """A tone below the Nyquist frequency, and one above it that has the same samples as a third below."""
    rate, time = 10, np.linspace(0, 1, 1000)
    at = np.arange(rate + 1) / rate
    figure, axes = plt.subplots(1, 2, figsize=(9, 2.4), layout="constrained", sharey=True)
    for ax, hertz in zip(axes, (2, 8), strict=True):
        ax.plot(time, np.sin(2 * np.pi * hertz * time), color="#0072B2", linewidth=1, label=f"{hertz} Hz")
        if hertz > rate / 2:
            ax.plot(time, -np.sin(2 * np.pi * (rate - hertz) * time), "--", color="#D55E00", label="2 Hz, inverted")
        ax.plot(at, np.sin(2 * np.pi * hertz * at), "ko", markersize=4)
        ax.set(xlabel="seconds", title=f"a tone of {hertz} Hz, sampled 10 times a second")
        ax.legend(loc="lower left", fontsize=8, framealpha=0.7)
    figure.savefig(path, dpi=110, facecolor="white")


def fourier(path: Path, wave: np.ndarray, rate: int) -> None:
    """A clip as samples, as one Fourier transform of all of it, and as a short-time Fourier transform."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10, 2.8), layout="constrained")
    left.plot(np.arange(len(wave)) / rate, wave, linewidth=0.4, color="#0072B2")
    left.set(title="samples", xlabel="seconds")
    level = 20 * np.log10(np.abs(np.fft.rfft(wave)) / len(wave) + 1e-7)
    middle.plot(np.fft.rfftfreq(len(wave), 1 / rate) / 1000, level, linewidth=0.4, color="#0072B2")
    middle.set(title="one Fourier transform", xlabel="kHz", ylabel="dB", xlim=(0, 5), ylim=(-110, -20))
    frames = torch.stft(torch.from_numpy(wave), 1024, 256, window=torch.hann_window(1024), return_complex=True)
    image = right.imshow(
        20 * torch.log10(frames.abs() / 256 + 1e-5),
        origin="lower",
        aspect="auto",
        vmin=-90,
        vmax=-10,
        extent=(0, len(wave) / rate, 0, rate / 2000),
        cmap="magma",
    )
    right.set(title="short-time Fourier transform", xlabel="seconds", ylabel="kHz", ylim=(0, 5))
    figure.colorbar(image, ax=right, label="dB")
    figure.savefig(path, dpi=110, facecolor="white")


def overlap(found: LatentMap, genres: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Of the ten nearest other codes of some codes of each genre, the shares that are of each genre."""
    table = {}
    smallest = min(int((found.genre == i).sum()) for i in range(len(genres)))
    generator = np.random.default_rng(0)
    chosen = [generator.permutation(np.flatnonzero(found.genre == i))[:smallest] for i in range(len(genres))]
    kept = torch.from_numpy(np.concatenate(chosen))  # as many of each genre, or the commonest would be near everywhere
    latents, genre = found.latents[kept], found.genre[kept]
    for index, name in enumerate(genres):
        asked = latents[genre == index][:ASKED]
        near = torch.cat([nearest(latents, z, NEIGHBOURS + 1)[0][1:] for z in asked])
        table[name] = {other: float((genre[near] == i).float().mean()) for i, other in enumerate(genres)}
    return table


def measures(waves: torch.Tensor, rate: int) -> dict[str, float]:
    """What sets genres apart by ear, the medians over clips [N, samples].

    Returns:
        centroid: centre of gravity of the power spectrum, Hz. flatness: geometric by arithmetic mean of the power over
        frequency, 0 for a tone and 1 for white noise. flux: mean rise of level from frame to frame, dB.
    """
    frames = torch.stft(waves, 1024, 256, window=torch.hann_window(1024), return_complex=True).abs().square() + 1e-8
    power = frames.mean(dim=2)  # [N, bins]
    hertz = torch.linspace(0, rate / 2, power.shape[1])
    centroid = (power * hertz).sum(dim=1) / power.sum(dim=1)
    flatness = frames.log().mean(dim=1).exp() / frames.mean(dim=1)  # [N, frames]
    flux = (10 * frames.log10()).diff(dim=2).clamp_min(0).mean(dim=(1, 2))
    return {
        "centroid": float(centroid.median()),
        "flatness": float(flatness.mean(dim=1).median()),
        "flux": float(flux.median()),
    }


def main() -> None:
    """Write pictures/sampling.png, pictures/fourier.png and sounds.json."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", type=Path, default=HERE, help="folder of sounds.json and pictures/")
    out = options.parse_args().out
    folder = out / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    sampling(folder / "sampling.png")
    run = Run(pretrained_run())
    synthesizer = Synthesizer(run, installed())
    waves = {
        genre: torch.stack([synthesizer.generate(genre, seed=1, index=i).wave for i in range(CLIPS)])
        for genre in synthesizer.genres
    }
    fourier(folder / "fourier.png", waves["piano"][0].numpy(), synthesizer.sample_rate)
    found = LatentMap.load(run, "pca")
    numbers = {
        "explained": list(found.explained or ()),
        "neighbours": overlap(found, synthesizer.genres),
        "measures": {genre: measures(each, synthesizer.sample_rate) for genre, each in waves.items()},
    }
    (out / "sounds.json").write_text(json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main()
