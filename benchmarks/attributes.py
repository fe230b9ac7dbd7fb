"""Whether a run gives what it is asked for: asked beside measured, for docs/plugins/attributes.md.

    python benchmarks/attributes.py --songs MUSIC > songs.csv    a manifest of a minute of sixteen recordings a genre
    python benchmarks/attributes.py RUN --store STORE [--clips 100]

Loudness is measured as `prepare` does. A second is too short for the tempo that `prepare` finds around a clip, so that
is guessed: by a linear regression on the autocorrelation of the clip's onsets, learnt from the training clips of each
genre. How good the guess is on held-out real clips stands beside, as what can be reached at most.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

import genvae
from genvae.audio.tempo import onset_strength
from genvae.clips.estimates import level
from genvae.clips.store import ClipStore
from genvae.verbs import open_run

Numbers = NDArray[np.float64]
RIDGE = 10.0
SONGS, LEAST = 16, 40  # of a genre, and seconds that each has at the least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?")
    parser.add_argument("--store")
    parser.add_argument("--songs", type=Path, metavar="MUSIC", help="folder of a folder of recordings for each genre")
    parser.add_argument("--clips", type=int, default=100, help="of each genre and attribute")
    arguments = parser.parse_args()
    if arguments.songs is not None:
        list_songs(arguments.songs)
        return
    if arguments.run is None or arguments.store is None:
        parser.error("give a run and its store, or --songs")
    store, run = ClipStore.open(arguments.store), open_run(arguments.run)
    synthesizer = genvae.load(run)
    print("| attribute | genre | clips | asked and measured | error | asked for none |\n|---|---|---|---|---|---|")
    for genre in run.config.genres:
        plain = synthesizer.generate(genre, seed=0, count=arguments.clips)
        for attribute in run.config.attributes:
            if attribute.name not in ("loudness", "tempo"):
                continue
            asked = np.linspace(attribute.least, attribute.most, arguments.clips)
            clips = [
                synthesizer.generate(genre, seed=0, index=index, attributes={attribute.name: value})
                for index, value in enumerate(asked.tolist())
            ]
            measure = Loudness() if attribute.name == "loudness" else TempoGuess(store, genre)
            measured = measure.of(np.stack([clip.wave.numpy() for clip in clips]))
            unasked = measure.of(np.stack([clip.wave.numpy() for clip in plain]))
            error = f"{np.abs(measured - asked).mean():.1f} {attribute.unit}"
            spread = f"{unasked.mean():.1f} ± {unasked.std():.1f}"
            cells = (attribute.name, genre, len(clips), f"r = {correlation(asked, measured):.2f}", error, spread)
            print(f"| {' | '.join(map(str, cells))} |{measure.note}", flush=True)


def list_songs(music: Path) -> None:
    """Print a manifest of the first minute of so many recordings of each genre, at even distances in their order."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["path", "genre", "start", "end"])
    for genre in sorted(each for each in music.iterdir() if each.is_dir()):
        lasting = {path: soundfile.info(path).duration for path in sorted(genre.iterdir())}
        long = [path for path, seconds in lasting.items() if seconds >= LEAST]
        for number in range(min(SONGS, len(long))):
            path = long[number * len(long) // SONGS if len(long) > SONGS else number]
            writer.writerow([path, genre.name, 0, int(min(lasting[path], 60))])


class Loudness:
    """The mean power of clips, in dB."""

    note = ""

    def of(self, waves: NDArray[np.float32]) -> Numbers:
        """Waveforms [n, samples] -> [n]."""
        return level(waves).astype(np.float64)


class TempoGuess:
    """A regression of the tempo on a clip's onsets, learnt from the real clips of a genre."""

    def __init__(self, store: ClipStore, genre: str) -> None:
        self.rate = store.sample_rate
        values = store.attributes["tempo"].values.astype(np.float64)
        known = {split: self._known(store, genre, split, values) for split in ("train", "validation")}
        self.weights = ridge(self._features(store.waves(known["train"])), values[known["train"]])
        held_out = self.of(store.waves(known["validation"]))
        self.note = f" of real clips r = {correlation(values[known['validation']], held_out):.2f}"

    def of(self, waves: NDArray[np.float32]) -> Numbers:
        """Waveforms [n, samples] -> [n]."""
        return with_one(self._features(waves)) @ self.weights

    def _features(self, waves: NDArray[np.float32]) -> Numbers:
        strengths = np.stack([onset_strength(wave, self.rate) for wave in waves]).astype(np.float64)  # [n, frames]
        strengths -= strengths.mean(axis=1, keepdims=True)
        power = np.square(np.abs(np.fft.rfft(strengths, 2 * strengths.shape[1], axis=1)))
        curve = np.fft.irfft(power, axis=1)[:, : strengths.shape[1] * 3 // 4]
        return curve[:, 5:] / np.maximum(curve[:, :1], 1e-9)

    @staticmethod
    def _known(store: ClipStore, genre: str, split: str, values: Numbers) -> NDArray[np.int64]:
        numbers = store.select(split="train" if split == "train" else "validation", genre=genre)
        return numbers[~np.isnan(values[numbers])]


def ridge(inputs: Numbers, outputs: Numbers) -> Numbers:
    """The weights of a linear regression, the last one of a constant."""
    columns = with_one(inputs)
    penalty = RIDGE * np.eye(columns.shape[1])
    penalty[-1, -1] = 0
    weights: Numbers = np.linalg.solve(columns.T @ columns + penalty, columns.T @ outputs)
    return weights


def with_one(inputs: Numbers) -> Numbers:
    return np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)


def correlation(one: Numbers, other: Numbers) -> float:
    return float(np.corrcoef(one, other)[0, 1])


if __name__ == "__main__":
    main()
