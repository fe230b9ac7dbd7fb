"""Measures whether a run's clips sound like their genre: a small classifier, levels and spectra, beside real clips.

    python benchmarks/genres.py RUN STORE

The classifier is a logistic regression on the mean and spread of 40 band levels, fitted to the store's training split;
the real clips that it is tried on, and those that are reconstructed, come from held-out recordings.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from genvae.clips.store import ClipStore
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer

PER_GENRE, TRAINING_CLIPS, SEED = 60, 1500, 0


def spectra(waves: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power spectra of waves [n, samples] -> [n, bins, frames]."""
    window = torch.hann_window(1024)
    made = torch.stft(torch.from_numpy(waves), 1024, 256, window=window, pad_mode="constant", return_complex=True)
    return (made.abs() / 256).square().numpy()


def describe(waves: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean and standard deviation over time of the level in 40 bands from 40 Hz up, in dB: [n, 80]."""
    power = spectra(waves)
    edges = np.unique(np.geomspace(2, power.shape[1] - 1, 41).round().astype(int))
    bands = np.add.reduceat(power, edges[:-1], axis=1)
    level = 10 * np.log10(bands + 1e-9)
    return np.concatenate([level.mean(axis=2), level.std(axis=2)], axis=1)


def row(name: str, waves: dict[str, NDArray[np.float32]], classifier: LogisticRegression, rate: int) -> str:
    """One line of the table."""
    right = np.mean([np.mean(classifier.predict(describe(clips)) == genre) for genre, clips in waves.items()])
    cells = [f"{name:<34}", f"{right:6.2f}"]
    for clips in waves.values():
        power = spectra(clips).mean(axis=2)  # [n, bins]
        hertz = np.linspace(0, rate / 2, power.shape[1])
        centroid = np.median((power * hertz).sum(axis=1) / power.sum(axis=1).clip(1e-12))
        level = np.median(10 * np.log10(np.square(clips).mean(axis=1) + 1e-12))
        cells.append(f"{level:7.1f} {centroid:6.0f}")
    return " | ".join(cells)


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    run, store = Run(Path(sys.argv[1])), ClipStore.open(sys.argv[2])
    synthesizer = Synthesizer(run, installed())
    generator = np.random.default_rng(SEED)

    def clips(split: str, genre: str, count: int) -> NDArray[np.float32]:
        both = np.intersect1d(store.select(split=split), store.select(genre=genre))
        return store.waves(generator.permutation(both)[:count])

    training = {genre: clips("train", genre, TRAINING_CLIPS) for genre in store.genres}
    held_out = {genre: clips("validation", genre, PER_GENRE) for genre in store.genres}
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    labels = np.repeat(list(training), [len(waves) for waves in training.values()])
    classifier.fit(np.concatenate([describe(waves) for waves in training.values()]), labels)

    reconstructed = {
        genre: np.stack([synthesizer.reconstruct(torch.from_numpy(wave), genre).wave.numpy() for wave in waves])
        for genre, waves in held_out.items()
    }
    generated = {
        genre: np.stack([synthesizer.generate(genre, seed=SEED, index=i).wave.numpy() for i in range(PER_GENRE)])
        for genre in store.genres
    }
    noise = {genre: 0.1 * generator.standard_normal((PER_GENRE, store.clip_samples), np.float32) for genre in training}
    distances = [
        synthesizer.reconstruct(torch.from_numpy(wave), genre).distance
        for genre, waves in held_out.items()
        for wave in waves[:20]
    ]
    print(f"run {run.digest()}, {PER_GENRE} clips a genre, seed {SEED}; median level in dB and spectral centroid in Hz")
    print(" | ".join([f"{'clips':<34}", "genre ", *(f"{genre:^14}" for genre in store.genres)]))
    for name, waves in (
        ("real, of held-out recordings", held_out),
        ("reconstructed, of the same", reconstructed),
        ("generated", generated),
        ("white noise", noise),
    ):
        print(row(name, waves, classifier, store.sample_rate))
    print(f"log-spectral distance of reconstructions: {np.mean(distances):.1f} dB")


if __name__ == "__main__":
    main()
