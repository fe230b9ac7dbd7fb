"""The blind listening test: which of some sounds is real, of which genre is one; votes, and what they say together."""

from __future__ import annotations

import math
import random
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from genvae.audio import wav
from genvae.clips.store import ClipStore
from genvae.errors import GenvaeError
from genvae.web.engine import Engine
from genvae.web.votes import BETWEEN, Vote, Votes

Question = Literal["real", "genre"]
Waves = NDArray[np.float32]

REAL = "real"
"""The source of clips of recordings that no run has seen."""

FEWEST, MOST = 2, 4
"""Sounds of which one is to be named the real one."""

_LEVEL, _PEAK = 0.1, 0.98  # root mean square that all sounds are brought to, as far as their peaks allow
_WAITING = 512  # trials without a vote that are remembered
_RECENT = 16  # sounds that are kept, as a page plays them again and again
_SEEDS = 1 << 31
_Z = 1.959964  # standard deviations on either side that hold 95 % of a normal distribution


class Source(Protocol):
    """Gives a sound of a genre, [samples], for a number that is drawn at random and kept with the vote."""

    def __call__(self, genre: str, number: int) -> Waves:
        """The sound."""


@dataclass(frozen=True)
class Slot:
    """A sound of a trial.

    Attributes:
        source: where it comes from.
        number: which of the source's it is: a seed, or a clip's number in the store.
    """

    source: str
    number: int


@dataclass
class Trial:
    """A question, and the sounds that it is about.

    Attributes:
        id: by which a page knows it; it tells nothing.
        question: whether the real one is asked for, or the genre of a single one.
        genre: of all its sounds.
        slots: the sounds, in an order drawn at random.
    """

    id: str
    question: Question
    genre: str
    slots: Sequence[Slot]


@dataclass(frozen=True)
class Score:
    """What the votes say of a source.

    Attributes:
        source: its name.
        question: that was asked.
        hits: votes that took it for real, or named its genre.
        votes: that it was among.
        share: hits of the votes.
        interval: of the share, 95 %.
        chance: the share that guessing would give.
    """

    source: str
    question: Question
    hits: int
    votes: int
    share: float
    interval: tuple[float, float]
    chance: float


@dataclass(frozen=True)
class Agreement:
    """How often a metric puts two sources in the order that ears do.

    Attributes:
        metric: its name.
        agreeing: pairs of sources that it orders as the votes do.
        pairs: that both order at all.
    """

    metric: str
    agreeing: int
    pairs: int


@dataclass
class Listening:
    """Draws trials, takes votes and sums them up.

    Args:
        engines: whose sounds are asked about; those of the first's rate and genres.
        store: for real clips, of recordings that were kept for validation; None for none.
        votes: where votes are kept.

    Raises:
        GenvaeError: the store's clips are of another rate, or it holds none that can be used.

    Attributes:
        sources: by name.
        genres: that every source knows.
    """

    engines: Sequence[Engine]
    store: ClipStore | None
    votes: Votes
    sources: dict[str, Source] = field(init=False, default_factory=dict)
    genres: list[str] = field(init=False)
    _real: dict[str, NDArray[np.int64]] = field(init=False, default_factory=dict)
    _trials: OrderedDict[str, Trial] = field(init=False, default_factory=OrderedDict)
    _sounds: OrderedDict[tuple[str, int], bytes] = field(init=False, default_factory=OrderedDict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        first = self.engines[0]
        genres = [set(each.genres) for each in self.engines]
        self.genres = [genre for genre in first.genres if all(genre in own for own in genres)]
        self.rate = first.sample_rate
        if self.store is not None:
            if self.store.sample_rate != self.rate:
                raise GenvaeError(
                    f"{self.store.path} holds clips at {self.store.sample_rate} Hz and the run makes them at "
                    f"{self.rate} Hz: the two could be told apart by that alone. Name the store that the run "
                    "was trained on."
                )
            self._real = {
                genre: self.store.select(split="validation", genre=genre)
                for genre in self.genres
                if genre in self.store.genres
            }
            self._real = {genre: numbers for genre, numbers in self._real.items() if len(numbers)}
            self.genres = [genre for genre in self.genres if genre in self._real]
            if not self.genres:
                raise GenvaeError(f"{self.store.path} holds no clips for validation of the run's genres.")
            self.sources[REAL] = self._recording
        for engine in self.engines:
            if engine.sample_rate != self.rate:
                continue
            for vocoder in engine.synthesizers:
                self.sources[self._name(engine, vocoder)] = partial(_vocoded, engine, vocoder)

    def draw(self, question: Question, sources: Sequence[str]) -> Trial:
        """A new trial. For `real` each source has a sound in it, for `genre` one of them.

        Raises:
            GenvaeError: there is no such source, too few or too many, or there are no two genres to tell apart.
        """
        for name in sources:
            if name not in self.sources:
                raise GenvaeError(f"There is no source {name!r} here. There are: {'; '.join(self.sources)}.")
        chosen = list(dict.fromkeys(sources))
        if question == "real" and not FEWEST <= len(chosen) <= MOST:
            raise GenvaeError(f"Choose from {FEWEST} to {MOST} sources to compare.")
        if question == "genre" and (not chosen or len(self.genres) < 2):
            raise GenvaeError("There is nothing to tell apart: choose a source, of a run with two genres or more.")
        drawing = random.SystemRandom()
        genre = drawing.choice(self.genres)
        names = drawing.sample(chosen, len(chosen) if question == "real" else 1)
        slots = [Slot(name, self._number(name, genre, drawing)) for name in names]
        trial = Trial(secrets.token_urlsafe(9), question, genre, slots)
        with self._lock:
            self._trials[trial.id] = trial
            while len(self._trials) > _WAITING:
                self._trials.popitem(last=False)
        return trial

    def sound(self, trial: str, slot: int) -> bytes:
        """A sound of a trial as a wav file that says nothing of where it comes from; all are equally loud.

        Raises:
            GenvaeError: there is no such trial any more, or no such sound in it.
        """
        drawn = self._trial(trial)
        if not 0 <= slot < len(drawn.slots):
            raise GenvaeError(f"This trial has sounds 0 to {len(drawn.slots) - 1}.")
        with self._lock:
            made = self._sounds.get((trial, slot))
        if made is None:
            place = drawn.slots[slot]
            made = wav.encode(levelled(self.sources[place.source](drawn.genre, place.number)), self.rate)
            with self._lock:
                self._sounds[trial, slot] = made
                while len(self._sounds) > _RECENT:
                    self._sounds.popitem(last=False)
        return made

    def vote(self, trial: str, answer: str) -> tuple[Vote, Trial]:
        """Take the answer to a trial: the place of the real one, or a genre; a trial is answered once.

        Raises:
            GenvaeError: there is no such trial any more, or that is no answer to it.
        """
        drawn = self._trial(trial)
        if drawn.question == "real":
            places = [str(place) for place in range(len(drawn.slots))]
            if answer not in places:
                raise GenvaeError(f"Answer with the place of a sound: {', '.join(places)}.")
            answer = drawn.slots[int(answer)].source
        elif answer not in self.genres:
            raise GenvaeError(f"Answer with a genre: {', '.join(self.genres)}.")
        vote = Vote(
            question=drawn.question,
            genre=drawn.genre,
            sources=tuple(each.source for each in drawn.slots),
            numbers=tuple(each.number for each in drawn.slots),
            answer=answer,
            choices=len(drawn.slots) if drawn.question == "real" else len(self.genres),
        )
        with self._lock:
            if self._trials.pop(trial, None) is None:
                raise GenvaeError("That trial was answered already.")
            self.votes.add(vote)
        return vote, drawn

    def scores(self) -> list[Score]:
        """What all votes say, by question and source."""
        scores = []
        for question in ("real", "genre"):
            votes = [vote for vote in self.votes.all if vote.question == question]
            for name in sorted(
                {source for vote in votes for source in vote.sources}, key=lambda each: (each != REAL, each)
            ):
                own = [vote for vote in votes if name in vote.sources]
                hits = sum(vote.answer == (name if question == "real" else vote.genre) for vote in own)
                chance = sum(1 / vote.choices for vote in own) / len(own)
                scores.append(Score(name, question, hits, len(own), hits / len(own), wilson(hits, len(own)), chance))
        return scores

    def agreements(self) -> list[Agreement]:
        """How each metric of `genvae evaluate` agrees with votes on what sounds real, for runs that keep its result.

        A run is compared as its own vocoder makes it sound, which is what was measured.
        """
        shares = {each.source: each.share for each in self.scores() if each.question == "real"}
        measured: dict[str, dict[str, float]] = {}
        for engine in self.engines:
            name = self._name(engine, engine.default)
            for metric, (real, value) in engine.measures().items():
                by_source = measured.setdefault(metric, {})
                by_source[name] = value
                by_source.setdefault(REAL, real)
        return [agreement(metric, shares, values) for metric, values in measured.items()]

    def _name(self, engine: Engine, vocoder: str) -> str:
        """The source that a run with a vocoder is; of runs with the same name the digest tells them apart."""
        alike = [each for each in self.engines if each.name == engine.name]
        run = engine.name if len(alike) == 1 else f"{engine.name} {engine.digest[:6]}"
        return f"{run}, {vocoder}".replace(BETWEEN, ", ")

    def _trial(self, trial: str) -> Trial:
        try:
            return self._trials[trial]
        except KeyError:
            raise GenvaeError("That trial is no longer remembered here: ask for another.") from None

    def _number(self, source: str, genre: str, drawing: random.Random) -> int:
        return int(drawing.choice(self._real[genre])) if source == REAL else drawing.randrange(_SEEDS)

    def _recording(self, genre: str, number: int) -> Waves:
        assert self.store is not None
        wave: Waves = self.store.waves([number])[0]
        return wave


def _vocoded(engine: Engine, vocoder: str, genre: str, number: int) -> Waves:
    return engine.wave(genre, number, vocoder)


def levelled(wave: Waves) -> Waves:
    """A sound [samples] brought to the level that all have, or as near as its peaks allow; silence stays silent."""
    level, peak = float(np.sqrt(np.square(wave, dtype=np.float64).mean())), float(np.abs(wave).max())
    if level < 1e-6:
        return wave
    scaled: Waves = (wave * np.float32(min(_LEVEL / level, _PEAK / peak))).astype(np.float32)
    return scaled


def wilson(hits: int, votes: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson, Probable Inference, the Law of Succession, 1927), which few votes need."""
    if votes == 0:
        return 0.0, 1.0
    share, square = hits / votes, _Z**2
    middle = (share + square / (2 * votes)) / (1 + square / votes)
    half = _Z / (1 + square / votes) * math.sqrt(share * (1 - share) / votes + square / (4 * votes**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def agreement(metric: str, shares: Mapping[str, float], measured: Mapping[str, float]) -> Agreement:
    """Pairs of sources that a metric, of which more is better, orders as ears do; ties say nothing."""
    both = sorted(shares.keys() & measured.keys())
    agreeing = pairs = 0
    for i, first in enumerate(both):
        for second in both[i + 1 :]:
            order = (shares[first] - shares[second]) * (measured[first] - measured[second])
            pairs += order != 0
            agreeing += order > 0
    return Agreement(metric, agreeing, pairs)
