"""The `synthetic` dataset: procedural techno, rock and piano for first tries, tests and benchmarks, without any file.

A song is fixed by its seed, its genre and its number: tempo, key, pattern and sounds are drawn once, then bar after bar
is composed from a generator of its own. So a recording of any length streams in little memory, and sounds the same
whatever the blocks in which it is read.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self
from zlib import crc32

import numpy as np

from genvae import Dataset, Recording
from genvae.errors import OptionError, nearest
from genvae_plugins.datasets import SyntheticOptions
from genvae_plugins.datasets.synthesis import (
    Sound,
    drum_sweep,
    faded,
    held,
    hertz,
    noise,
    power_chord,
    ring,
    saw_table,
    tone,
)

Note = tuple[float, float, Sound]
"""A beat of the bar from 0 to 4, a level, and the sound that starts there."""

_VERSION = 1  # part of the fingerprint; raise it when the same options come to sound differently
_PEAK = 0.95
_MINOR = (0, 2, 3, 5, 7, 8, 10)
_MAJOR = (0, 2, 4, 5, 7, 9, 11)


class Synthetic(Dataset):
    """Seeded songs of three genres; the root that the user named means nothing here."""

    options: SyntheticOptions

    def __init__(self, options: SyntheticOptions, root: Path) -> None:
        super().__init__(options, root)
        for genre in options.genres:
            if genre not in _SONGS:
                raise OptionError(f"The synthetic dataset has no genre {genre!r}. {nearest(genre, _SONGS)}")

    def recordings(self) -> Iterator[Recording]:
        """Yield the recordings genre by genre, without making a sound."""
        options = self.options
        what = {"synthetic": _VERSION, "seed": options.seed, "seconds": options.seconds, "rate": options.sample_rate}
        for genre in dict.fromkeys(options.genres):
            for index in range(options.recordings):
                seed = _seed(options.seed, genre, index)
                yield Recording(
                    id=f"{genre}/synthetic-{index:03d}",
                    genre=genre,
                    open=partial(
                        SyntheticStream,
                        genre=genre,
                        index=index,
                        seed=options.seed,
                        seconds=options.seconds,
                        sample_rate=options.sample_rate,
                    ),
                    fingerprint=json.dumps(what),
                    attributes={"tempo": _SONGS[genre].tempo(np.random.default_rng([*seed, 0]))},
                )


class SyntheticStream:
    """One song, as a sound stream in mono."""

    channels = 1

    def __init__(self, *, genre: str, index: int, seed: int, seconds: float, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.frames: int | None = round(seconds * sample_rate)
        self._length = self.frames
        self._song = partial(_SONGS[genre], _seed(seed, genre, index), sample_rate)

    def blocks(self, frames: int) -> Iterator[Sound]:
        """Yield the samples [n, 1] in blocks of at most `frames`, within ±0.95."""
        left = self._length
        for bar in self._song().play():
            bar = bar[:left]
            left -= len(bar)
            for start in range(0, len(bar), frames):
                yield bar[start : start + frames, None]
            if not left:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """There is nothing to close."""


def _seed(seed: int, genre: str, index: int) -> tuple[int, int, int]:
    """Of all that is drawn for a song."""
    return seed % 2**64, crc32(genre.encode()), index


class Song(ABC):
    """What a genre must say: its sounds, drawn once, and the notes of each bar of four beats."""

    beats_per_minute = (60.0, 120.0)

    def __init__(self, seed: Sequence[int], rate: int) -> None:
        self._seed, self.rate = seed, rate
        self.rng = np.random.default_rng([*seed, 0])
        self.beat = 60 * rate / self.tempo(self.rng)  # in samples
        self.key = int(self.rng.integers(12))

    @classmethod
    def tempo(cls, rng: np.random.Generator) -> float:
        """Its beats a minute, the first that is drawn for a song."""
        return float(rng.uniform(*cls.beats_per_minute))

    @abstractmethod
    def bar(self, number: int, rng: np.random.Generator) -> Iterator[Note]:
        """Compose the notes of a bar."""

    def play(self) -> Iterator[Sound]:
        """Yield bar after bar, without end; what rings beyond a bar is added to the next."""
        ringing = np.zeros(0, np.float32)
        for number in count():
            length = round((number + 1) * 4 * self.beat) - round(number * 4 * self.beat)
            rng = np.random.default_rng([*self._seed, number + 1])
            notes = [(int(beat * self.beat), level, sound) for beat, level, sound in self.bar(number, rng)]
            ends = [start + len(sound) for start, _, sound in notes]
            mix = np.zeros(max([length, len(ringing), *ends]), np.float32)
            mix[: len(ringing)] = ringing
            for start, level, sound in notes:
                mix[start : start + len(sound)] += np.float32(level) * sound
            yield np.float32(_PEAK) * np.tanh(mix[:length])  # a limiter that depends on nothing but the sample
            ringing = mix[length:]


class Techno(Song):
    """A drum machine and a filtered bass line, in layers that come and go every four bars."""

    beats_per_minute = (122.0, 145.0)

    def __init__(self, seed: Sequence[int], rate: int) -> None:
        super().__init__(seed, rate)
        rng = self.rng
        self.kick = drum_sweep(rng.uniform(42, 55), rng.uniform(120, 260), rng.uniform(0.12, 0.22), rate)
        self.hats = [noise(rng, rng.uniform(6000, 8000), 16000, 0.03, rate) for _ in range(4)]
        self.open_hat = noise(rng, rng.uniform(5000, 7000), 14000, 0.12, rate)
        self.clap = noise(rng, 900, rng.uniform(2200, 4500), 0.09, rate)
        self.line = rng.choice([0, 0, 0, 3, 7, 10, 12], 16)  # semitones above the key
        self.accent = rng.random(16) < 0.65
        resonance = rng.uniform(1, 5)
        # The filter of the bass, closed to open, as one table of a cycle each.
        self.filters = [saw_table(50, cutoff, resonance, rate) for cutoff in np.geomspace(250, 3200, 8)]
        self.sweep = rng.uniform(8, 24)  # bars for which the filter opens and closes
        chord = [hertz(48 + self.key + note) for note in (0, 3, 7, 10)]
        table = saw_table(200, rng.uniform(900, 2500), 1, rate)
        self.stab = faded(np.sum([tone(table, f, 0.4, 0.1, rate) for f in chord], axis=0), rate)
        self.stabs = np.flatnonzero(rng.random(16) < 0.2)

    def bar(self, number: int, rng: np.random.Generator) -> Iterator[Note]:
        """Four kicks, hats, claps, sixteenths of bass, stabs."""
        layers = np.random.default_rng([*self._seed, number // 4, 1]).random(4)
        breakdown = number % 16 >= 14
        for beat in range(4):
            if not breakdown:
                yield beat, 0.9, self.kick
            if layers[0] < 0.8:
                yield beat + 0.5, 0.25, self.open_hat
            if beat % 2 and layers[1] < 0.8:
                yield beat, 0.6, self.clap
        opening = 0.5 - 0.5 * np.cos(2 * np.pi * number / self.sweep)
        for step in range(16):
            if layers[2] < 0.9 and rng.random() < 0.75:
                yield step / 4, rng.uniform(0.09, 0.22), self.hats[rng.integers(4)]
            if self.accent[step]:
                table = self.filters[round(np.clip(7 * opening + rng.normal(), 0, 7))]
                frequency = hertz(33 + self.key % 7 + int(self.line[step]) + (12 if rng.random() < 0.08 else 0))
                sound = faded(tone(table, frequency, self.beat / self.rate / 3, 0.15, self.rate), self.rate)
                yield step / 4, 0.25 if step % 4 == 0 else 0.5, sound  # the kick needs the room
        if layers[3] < 0.5:
            for sixteenth in self.stabs:
                yield int(sixteenth) / 4, 0.16, self.stab


class Rock(Song):
    """Power chords on a driven amplifier, a bass guitar and drums."""

    beats_per_minute = (95.0, 155.0)

    def __init__(self, seed: Sequence[int], rate: int) -> None:
        super().__init__(seed, rate)
        rng = self.rng
        self.kick = drum_sweep(rng.uniform(55, 70), 90, 0.09, rate)
        body = ring([rng.uniform(170, 220), 331], [0.5, 0.3], [0.08, 0.05], 0.3, rate)
        self.snare = body + noise(rng, 700, rng.uniform(5000, 9000), 0.1, rate, seconds=0.3)
        self.toms = [drum_sweep(f, f / 2, 0.14, rate) for f in (150, 115, 85)]
        self.hats = [noise(rng, 5000, 11000, 0.04, rate) for _ in range(4)]
        self.crash = noise(rng, 2500, 12000, 0.6, rate)
        degrees = rng.permutation([3, 5, 7, 8, 10])[:3]
        self.roots = [0, *map(int, degrees)]  # one for each bar, in semitones above the key
        self.riffs = [_rhythm(rng, 8) for _ in range(3)]
        self.kicks = rng.random(8) < 0.35
        drive, cabinet = rng.uniform(4, 14), rng.uniform(3000, 5000)
        string = saw_table(80, 4500, 1, rate)
        bass = saw_table(40, rng.uniform(500, 1100), 1, rate)
        low = 40 + self.key % 8  # from the lowest string up
        self.chords = {r: power_chord(low + r, drive, cabinet, string, 4 * self.beat, 1.5, rate) for r in self.roots}
        self.mutes = {r: power_chord(low + r, drive, 1400, string, 0.2 * rate, 0.06, rate) for r in self.roots}
        seconds = 4 * self.beat / rate
        self.basses = {r: faded(tone(bass, hertz(low - 12 + r), seconds, 0.8, rate), rate) for r in self.roots}

    def bar(self, number: int, rng: np.random.Generator) -> Iterator[Note]:
        """Eighths of drums, and a riff on the chord of the bar; every fourth bar ends in a fill."""
        fill = number % 4 == 3
        if number % 8 == 0:
            yield 0, 0.5, self.crash
        for step in range(8):
            if fill and step >= 6:
                for half in (0.0, 0.25):
                    yield step / 2 + half, rng.uniform(0.4, 0.7), self.toms[rng.integers(3)]
                continue
            yield step / 2, 0.4 if step % 2 == 0 else rng.uniform(0.15, 0.3), self.hats[rng.integers(4)]
            if step in (2, 6):
                yield step / 2, rng.uniform(0.6, 0.7), self.snare
            elif step == 0 or self.kicks[step] or rng.random() < 0.08:
                yield step / 2, 0.65, self.kick
        root = self.roots[number % 4]
        for step, eighths in self.riffs[number // 4 % 3]:
            length = eighths * self.beat / 2
            yield step / 2, 0.22, held(self.basses[root], length, 0.03 * self.rate)
            if eighths == 1 and rng.random() < 0.7:
                yield step / 2, rng.uniform(0.35, 0.45), self.mutes[root]
            else:
                yield step / 2, rng.uniform(0.35, 0.42), held(self.chords[root], length, 0.03 * self.rate)


class Piano(Song):
    """Struck strings: a melody over broken chords."""

    beats_per_minute = (66.0, 118.0)

    def __init__(self, seed: Sequence[int], rate: int) -> None:
        super().__init__(seed, rate)
        rng = self.rng
        self.scale = _MAJOR if rng.random() < 0.5 else _MINOR
        self.chords = [0, *map(int, rng.permutation([1, 2, 3, 4, 5])[:2]), 4]  # degrees, one for each bar
        self.figure = [(0, 2, 1, 2, 0, 2, 1, 2), (0, 1, 2, 3, 2, 1, 2, 1), (0, 2, 3, 2)][rng.integers(3)]
        self.density = rng.uniform(0.45, 0.9)
        self.hardness = rng.uniform(1.2, 2.2)  # how fast the partials fall off
        self.sustain = rng.uniform(1.5, 3)
        self.hammer = 0.02 * noise(rng, 300, 2500, 0.02, rate)
        self.strings: dict[int, Sound] = {}

    def bar(self, number: int, rng: np.random.Generator) -> Iterator[Note]:
        """The chord of the bar, broken by the left hand, and a melody that walks along the scale."""
        chord = self.chords[number % 4]
        loudness = rng.uniform(0.6, 1)
        spacing = 4 / len(self.figure)
        for step, third in enumerate(self.figure):
            yield spacing * step, 0.5 * loudness * rng.uniform(0.7, 1), self._note(48, chord + 2 * third, 1.5 * spacing)
        yield 0, 0.6 * loudness, self._note(36, chord, 4)
        degree = chord + 2 * int(rng.integers(3))
        for step, eighths in _rhythm(rng, 8, self.density):
            yield step / 2, loudness * rng.uniform(0.7, 1), self._note(60, degree, eighths / 2 + 0.3)
            degree = int(np.clip(degree + rng.choice([-2, -1, -1, 1, 1, 2]), 0, 13))

    def _note(self, octave: int, degree: int, beats: float) -> Sound:
        """A degree of the scale above the key, held for a number of beats."""
        key = octave + self.key % 7 + self.scale[degree % 7] + 12 * (degree // 7)
        if key not in self.strings:
            self.strings[key] = self._string(key)
        return held(self.strings[key], beats * self.beat, 0.12 * self.rate)

    def _string(self, key: int) -> Sound:
        """A note of two strings a little out of tune, with stiff partials.

        Fletcher & Rossing, The Physics of Musical Instruments, 1998, sections 2.18 (stiffness) and 12.3 (hammer).
        """
        frequency = hertz(key)
        order = np.arange(1, 25)
        stiffness = 2e-4 * 2 ** ((key - 48) / 10)
        partials = order * frequency * np.sqrt(1 + stiffness * order**2)
        levels = order**-self.hardness * np.abs(np.sin(np.pi * order / 8))  # struck at an eighth of its length
        decays = self.sustain * (220 / frequency) ** 0.5 / (1 + 0.15 * order)
        audible = partials < 0.45 * self.rate
        both = np.concatenate([partials[audible], 1.0006 * partials[audible]])
        sound = ring(both, np.tile(0.3 * levels[audible], 2), np.tile(decays[audible], 2), 3.0, self.rate)
        sound[: len(self.hammer)] += self.hammer[: len(sound)]
        return faded(sound, self.rate)


_SONGS: dict[str, type[Song]] = {"techno": Techno, "rock": Rock, "piano": Piano}


def _rhythm(rng: np.random.Generator, steps: int, density: float = 0.6) -> list[tuple[int, int]]:
    """Notes as (step, length in steps) that fill a bar; each step but the first starts one with chance `density`."""
    starts = [0, *(step for step in range(1, steps) if rng.random() < density)]
    return [(start, end - start) for start, end in zip(starts, [*starts[1:], steps], strict=True)]
