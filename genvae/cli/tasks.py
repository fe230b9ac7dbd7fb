"""What `genvae generate` is to make, sound by sound: what each is called, how it is made, and what its file may say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from genvae.cli.runs import asked_name, file_name
from genvae.errors import GenvaeError
from genvae.synthesis.latent_files import read_latents
from genvae.synthesis.loop import Loop
from genvae.synthesis.mixture import Mixture
from genvae.synthesis.provenance import Provenance
from genvae.synthesis.sound import Clip
from genvae.synthesis.synthesizer import GROUP, Synthesizer
from genvae.text import file_stem


class How(NamedTuple):
    """What holds for all sounds of a command.

    Attributes:
        seed: of all that is drawn.
        temperature: of the prior.
        candidates: drawn for each clip.
        seconds: of a longer sound.
        loop: beats a minute and bars, of a loop.
        normalise: the peak in dBFS.
    """

    seed: int
    temperature: float
    candidates: int
    seconds: float | None
    loop: tuple[float, int] | None
    normalise: float | None


@dataclass(frozen=True)
class Task:
    """A sound to make.

    Attributes:
        name: of its file.
        make: makes it.
        possible: what its file may say if it is there already; none where that is known only once it is made.
    """

    name: str
    make: Callable[[], Clip]
    possible: Sequence[Provenance] = ()


def of_genre(synthesizer: Synthesizer, genre: str | Mixture, count: int, how: How) -> list[Task]:
    """So many new sounds of a genre, or of a mixture.

    Raises:
        GenvaeError: what is asked for can't be made.
    """
    suffix, asked = synthesizer.kind.suffixes[0], asked_name(synthesizer)
    plain = isinstance(genre, str) and how.seconds is None and how.loop is None
    make = _Ahead(partial(_generate, synthesizer, genre, how), count, group=GROUP if plain else 1)
    if not isinstance(genre, str):
        if how.candidates > 1:
            raise GenvaeError("`candidates` are judged by one genre: leave it out for a mixture.")
        names = (file_name(_label(genre) + asked, how.seed, index, suffix) for index in range(count))
        return [Task(name, partial(make, index)) for index, name in enumerate(names)]
    loop = Loop(*how.loop) if how.loop else None
    label = (f"{genre}-{loop.bpm:g}bpm" if loop else genre) + asked
    chooser = None
    if how.candidates > 1:
        from genvae.metrics.candidates import Chooser

        chooser = Chooser.of(synthesizer.run, synthesizer)

    def make_clip(index: int) -> Clip:
        if chooser is None:
            return make(index)
        clip = chooser.generate(genre, how.candidates, seed=how.seed, index=index, temperature=how.temperature)
        return clip if how.normalise is None else clip.normalised(how.normalise)

    def possible(index: int) -> Provenance:
        return synthesizer.provenance(
            genre,
            seed=how.seed,
            index=index,
            temperature=how.temperature,
            seconds=how.seconds,
            loop=loop,
            normalise=how.normalise,
        )

    return [
        Task(
            file_name(label, how.seed, index, suffix),
            partial(make_clip, index),
            [possible(i) for i in range(index * how.candidates, (index + 1) * how.candidates)],
        )
        for index in range(count)
    ]


def of_latents(synthesizer: Synthesizer, genre: str | Mixture, path: Path, how: How) -> list[Task]:
    """A clip of each latent in a file.

    Raises:
        GenvaeError: the file can't be read, or its latents are none of the run's.
    """
    if not isinstance(genre, str):
        raise GenvaeError("A latent is decoded as one genre: name one with `genre`.")
    latents = read_latents(path, synthesizer.latent_dim)

    def make_clip(index: int) -> Clip:
        clip = synthesizer.decode(latents[index], genre, seed=how.seed, index=index)
        return clip if how.normalise is None else clip.normalised(how.normalise)

    stem, suffix = file_stem(f"{path.stem}-{genre}{asked_name(synthesizer)}"), synthesizer.kind.suffixes[0]
    return [Task(f"{stem}-{index:03d}{suffix}", partial(make_clip, index)) for index in range(len(latents))]


def _generate(synthesizer: Synthesizer, genre: str | Mixture, how: How, index: int, count: int) -> list[Clip]:
    bpm, bars = how.loop or (None, 1)
    return synthesizer.generate(
        genre,
        seed=how.seed,
        index=index,
        count=count,
        temperature=how.temperature,
        seconds=how.seconds,
        bpm=bpm,
        bars=bars,
        normalise=how.normalise,
    )


class _Ahead:
    """Clips by their number, made some at a time where that is quicker.

    Args:
        make: so many clips from a number on.
        count: how many there are.
        group: at once.
    """

    def __init__(self, make: Callable[[int, int], list[Clip]], count: int, *, group: int) -> None:
        self._make, self._count, self._group = make, count, group
        self._clips: dict[int, Clip] = {}

    def __call__(self, index: int) -> Clip:
        """Clip `index`."""
        if index not in self._clips:
            try:
                clips = self._make(index, min(self._group, self._count - index))
            except GenvaeError:  # one that can't be made costs none of those before it
                clips = self._make(index, 1)
            self._clips = dict(enumerate(clips, index))
        return self._clips.pop(index)


def _label(mixture: Mixture) -> str:
    """A mixture as a part of a file's name, such as `piano-0.6-techno-0.4`."""
    return "-".join(f"{genre}-{weight:g}" for genre, weight in mixture.items())
