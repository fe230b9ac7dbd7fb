"""`genvae plot`: pictures of sounds, of a run's latent space and of its training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from genvae.cli.completion import complete_runs, run_option
from genvae.cli.numbers import Number, Whole
from genvae.cli.output import say, show_path, tracked
from genvae.cli.places import PLACE
from genvae.cli.sources import MOST_SECONDS, read_part
from genvae.errors import DiskError, GenvaeError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from genvae.plots.latent import Mark
    from genvae.plots.sound import Sound
    from genvae.synthesis.synthesizer import Synthesizer

_Command = TypeVar("_Command", bound=Callable[..., Any])

CELLS = 9
"""Designs on a side of the map of a run that makes pictures."""

_output = click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE.png|svg",
    type=click.Path(path_type=Path),
    help="The picture to write, over one that is there.",
)


def _of_sound(command: _Command) -> _Command:
    """The argument and the options of the plots of one sound."""
    for option in (
        click.option(
            "--seconds",
            type=Number(min=0, min_open=True),
            default=60.0,
            show_default=True,
            help=f"How much of it, {MOST_SECONDS:g} at most.",
        ),
        click.option("--start", type=Number(min=0), default=0.0, help="From where on, in seconds."),
        run_option,
        _output,
        click.argument("source", metavar="FILE|GENRE@SEED"),
    ):
        command = option(command)
    return command


@click.group()
def plot() -> None:
    """Draw a picture as PNG or SVG.

    A sound is a file of any format, or a genre and a seed, such as techno@42, as genvae generate makes it.

    \b
    genvae plot spectrogram techno@42 -o techno.png
    genvae plot latent --mark techno@42 --mark song.mp3 -o map.png
    genvae plot training run -o training.svg
    """


@plot.command()
@_of_sound
@click.option("--at", type=Number(min=0), help="Where samples show, in seconds.  [default: the loudest place]")
def waveform(source: str, output: Path, run_path: Path | None, start: float, seconds: float, at: float | None) -> None:
    """A waveform, and a few milliseconds of it in which the samples show."""
    _check(output)
    from genvae.plots import sound

    _write(sound.waveform(_sound(source, run_path, start, seconds), at=at), output)


@plot.command()
@_of_sound
def spectrum(source: str, output: Path, run_path: Path | None, start: float, seconds: float) -> None:
    """A waveform and its power spectrum, side by side."""
    _check(output)
    from genvae.plots import sound

    _write(sound.spectrum(_sound(source, run_path, start, seconds)), output)


@plot.command()
@_of_sound
@click.option(
    "--scale",
    type=click.Choice(["linear", "log", "mel"]),
    default="linear",
    show_default=True,
    help="Of the frequencies.",
)
def spectrogram(source: str, output: Path, run_path: Path | None, start: float, seconds: float, scale: Any) -> None:
    """Levels over time and frequency."""
    _check(output)
    from genvae.plots import sound

    _write(sound.spectrogram(_sound(source, run_path, start, seconds), scale=scale), output)


@plot.command()
@click.argument("store", type=PLACE)
@_output
@run_option
@click.option("--new", "count", type=Whole(1, 4), default=2, show_default=True, help="New clips of a genre.")
@click.option(
    "--seed",
    type=Whole(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Of the choice of the original and of the new clips.",
)
def grid(store: Path, output: Path, run_path: Path | None, count: int, seed: int) -> None:
    """By genre: a clip of STORE that the run was not trained on, its reconstruction, and new clips.

    STORE must have been made by genvae prepare and hold the run's genres at its sample rate. Where it has no validation
    clips of a genre, the original is a training clip.
    """
    _check(output)
    import numpy as np
    import torch

    from genvae.clips.store import ClipStore
    from genvae.plots.grid import grid as draw
    from genvae.plots.sound import Sound
    from genvae.verbs import load

    clips = ClipStore.open(store)
    synthesizer = load(run_path)
    rate, genres = synthesizer.sample_rate, synthesizer.genres
    if clips.sample_rate != rate or not set(genres) <= set(clips.genres):
        raise GenvaeError(
            f"{store} holds {', '.join(clips.genres)} at {clips.sample_rate} Hz, "
            f"and the run makes {', '.join(genres)} at {rate} Hz."
        )
    rows = {}
    with tracked(genres, "Generating") as each:
        for genre in each:
            held_out = clips.select(split="validation", genre=genre)
            numbers = held_out if len(held_out) else clips.select(genre=genre)
            chosen = numbers[int(np.random.default_rng(seed).integers(len(numbers)))]
            original = torch.from_numpy(clips.waves([chosen])[0])
            rows[genre] = [
                Sound("original", original, rate),
                Sound("reconstruction", synthesizer.reconstruct(original, genre).wave, rate),
            ]
            for index in range(count):
                new = synthesizer.generate(genre, seed=seed, index=index).wave
                rows[genre].append(Sound(f"new, s{seed}-{index:03d}", new, rate))
    _write(draw(rows), output)


@plot.command()
@click.argument(
    "run_path", metavar="[RUN]", required=False, type=click.Path(path_type=Path), shell_complete=complete_runs
)
@_output
@click.option(
    "--method",
    "methods",
    type=click.Choice(["pca", "umap"]),
    multiple=True,
    help="Which map; may be repeated.  [default: those that the run has]",
)
@click.option(
    "--mark",
    "marks",
    multiple=True,
    metavar="FILE|GENRE@SEED",
    help="A sound to show on the map, at its first clip's place; may be repeated.",
)
def latent(run_path: Path | None, output: Path, methods: tuple[str, ...], marks: tuple[str, ...]) -> None:
    """Where the training clips of RUN lie, by genre, and where given sounds fall.

    The lines hold half and nine tenths of a genre's clips. `genvae map` makes the maps. Of a run whose items are
    pictures, what is decoded at each place stands behind the lines.
    """
    _check(output)
    from genvae.latents import LatentMap, map_methods
    from genvae.plots.latent import Floats
    from genvae.plots.latent import latent as draw
    from genvae.plots.tiles import Picture, over_map
    from genvae.plugin.declarations import SOUNDS
    from genvae.verbs import load, open_run

    run = open_run(run_path)
    maps = [LatentMap.load(run, method) for method in methods or map_methods(run) or ["pca"]]
    synthesizer = load(run) if marks or run.config.items != SOUNDS else None
    background = None
    if synthesizer is not None and not synthesizer.makes_sounds:

        def background(latent_map: LatentMap, low: Floats, high: Floats) -> Picture:
            return over_map(synthesizer.decode, latent_map, synthesizer.genres, low, high, CELLS)

    drawn = draw(maps, run.config.genres, _marks(marks, synthesizer), background=background)
    _write(drawn, output)


@plot.command()
@click.argument("run_path", metavar="RUN", type=click.Path(path_type=Path), shell_complete=complete_runs)
@_output
def training(run_path: Path, output: Path) -> None:
    """The parts of the loss and the active units over the steps of RUN's training, finished or not."""
    _check(output)
    from genvae.plots.training import training as draw
    from genvae.run import Run

    _write(draw(Run(run_path)), output)


def _check(output: Path) -> None:
    """Before anything is made, refuse a name that no picture can have."""
    from genvae.plots.style import require_format

    require_format(output)
    if not output.parent.is_dir():
        raise DiskError(f"The folder {output.parent} does not exist.")


def _write(drawn: Figure, output: Path) -> None:
    from genvae.plots.style import save

    save(drawn, output)
    show_path(output)


def _sound(text: str, run_path: Path | None, start: float, seconds: float) -> Sound:
    from genvae.plots.sound import Sound
    from genvae.synthesis.inputs import file_of, seed_of
    from genvae.verbs import load, open_run

    if named := seed_of(text):
        clip = load(run_path).generate(named[0], seed=named[1])
        first = round(start * clip.sample_rate)
        wave = clip.wave[first : first + round(seconds * clip.sample_rate)]
        if not len(wave):
            raise GenvaeError(f"{text} holds no sound after {start:g} s.")
        return Sound(text, wave, clip.sample_rate, start)
    file = file_of(text, open_run(run_path).config.genres)
    wave, rate = read_part(file, start, seconds)
    return Sound(file.name, wave, rate, start)


def _marks(texts: tuple[str, ...], synthesizer: Synthesizer | None) -> list[Mark]:
    from genvae.plots.latent import Mark
    from genvae.synthesis.inputs import seed_of

    if synthesizer is None:
        return []
    marks = []
    for text in texts:
        knot = synthesizer.locate(text)
        name = text if seed_of(text) else Path(text).name
        if name != text:
            say(f"{text}: encoded as {knot.genre}")
        marks.append(Mark(name, knot.latent))
    return marks
