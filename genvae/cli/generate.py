"""`genvae generate`: new clips of a genre, each with what made it inside."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.cli.completion import complete_genres, complete_vocoders, run_option, with_option
from genvae.cli.numbers import Number, Whole
from genvae.cli.output import byte_stream, is_file, make_folder, save, say, show_json, show_path, tracked
from genvae.errors import GenvaeError, ItemError, OptionError

if TYPE_CHECKING:
    from genvae.synthesis.sound import Clip


QUIET = -24.0
"""Peak in dBFS below which most people would think that there is no sound."""


def _no_words(ctx: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> None:
    """Refuse a genre that stands without its flag."""
    if words:
        raise click.UsageError(f"Name the genre with --genre: genvae generate --genre {shlex.quote(words[0])}")


@click.command()
@click.argument("words", nargs=-1, metavar="", expose_value=False, callback=_no_words)
@run_option
@click.option(
    "--genre",
    metavar="GENRE|all|A:0.6,B:0.4",
    shell_complete=complete_genres,
    help="Genre of the clips, all for each, or a mixture; left out, the error names those of the run.",
)
@click.option("--count", type=Whole(min=1), default=1, show_default=True, help="Number of clips.")
@click.option("--seed", type=Whole(0, 2**63 - 1), help="Same seed and run, same clips. By default random.")
@click.option(
    "--temperature",
    type=Number(min=0),
    default=1.0,
    show_default=True,
    help="Below 1 more typical, above 1 more unusual.",
)
@click.option(
    "--candidates",
    type=Whole(min=1),
    default=1,
    show_default=True,
    metavar="K",
    help="Draw K for each clip and keep the best by genre and plausibility; costs variety.",
)
@click.option(
    "--seconds",
    type=Number(),
    help="A longer sound, on a smooth way through latents near the first.  [default: one clip]",
)
@click.option("--bpm", type=Number(), help="A loop without a seam, at so many beats a minute.")
@click.option("--bars", type=Whole(min=1), help="Bars of four beats in the loop.  [default: 1]")
@click.option(
    "--latents",
    "latents_path",
    metavar="FILE.npy",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Make these latents sound, a row each, instead of new ones; `genvae encode` writes some.",
)
@click.option(
    "--normalise",
    type=Number(min=-60, max=0),
    metavar="LEVEL",
    help="Bring each sound's peak to so many dBFS, such as -1.  [default: the level that the model gives]",
)
@with_option
@click.option("--vocoder", shell_complete=complete_vocoders, help="Vocoder to use instead of the run's own.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="vocoder.NAME=VALUE",
    help="An option of the vocoder, such as vocoder.iterations=64; may be repeated.",
)
@click.option(
    "-o",
    "--output",
    default=".",
    metavar="FILE|DIR|-",
    help="A .wav, .flac or .ogg file, a folder, or - for a pipe; of designs a .png file.  [default: here]",
)
@click.option("--overwrite", is_flag=True, help="Write over files that hold something else.")
@click.option("--play", "aloud", is_flag=True, help="Play each clip.")
@click.option("--json", "as_json", is_flag=True, help="Say what was made as JSON.")
def generate(
    run_path: Path | None,
    genre: str | None,
    count: int,
    seed: int | None,
    temperature: float,
    candidates: int,
    seconds: float | None,
    bpm: float | None,
    bars: int | None,
    latents_path: Path | None,
    normalise: float | None,
    asked: tuple[str, ...],
    vocoder: str | None,
    assignments: tuple[str, ...],
    output: str,
    overwrite: bool,
    aloud: bool,
    as_json: bool,
) -> None:
    """Make new clips of a genre.

    Each is drawn afresh from what the run has learnt; none is a stored one. The paths of the sound files go to standard
    output.

    \b
    genvae generate --genre techno
    genvae generate --genre techno --count 10 --seed 42 -o clips/
    genvae generate --genre piano --seconds 8 --normalise -1
    genvae generate --genre piano:0.6,techno:0.4
    genvae generate --genre techno --bpm 128 --bars 2
    genvae generate --run mine --genre techno --with tempo=128 --with loudness=-20
    genvae generate --genre techno -o - | ffplay -nodisp -autoexit -
    """
    single = is_file(output)
    if single and count > 1:
        raise click.UsageError(f"-o {output} takes one clip; for --count {count} name a folder.")
    if output == "-" and (as_json or aloud):
        raise click.UsageError("-o - can't be combined with --json or --play: standard output is the sound.")
    _refuse_together(
        {"--candidates": candidates > 1, "--seconds": seconds is not None, "--bpm": bpm is not None},
        "each makes a sound of another kind",
    )
    if bars is not None and bpm is None:
        raise click.UsageError("--bars counts the bars of a loop: give its tempo with --bpm.")
    if latents_path is not None:
        others = {"--candidates": candidates > 1, "--seconds": seconds is not None, "--bpm": bpm is not None}
        _refuse_together({"--latents": True, **others, "--count": count > 1}, "latents are a clip each")
    pipe = byte_stream() if output == "-" else None

    import secrets

    from genvae.audio.play import play
    from genvae.cli.runs import load_run, require_kind
    from genvae.cli.tasks import How, of_genre, of_latents
    from genvae.synthesis.mixture import parse
    from genvae.verbs import open_run

    run = open_run(run_path)
    genres = run.config.genres
    if genre is None:
        raise OptionError(f"Name a genre with `genre`. This run knows: {', '.join(genres)}.")
    mixtures = genres if genre == "all" and genre not in genres else [parse(genre, genres)]
    if single and len(mixtures) > 1:
        raise click.UsageError(f"-o {output} takes one clip; for --genre all name a folder.")
    synthesizer = load_run(run, vocoder, assignments, asked)
    require_kind(output, synthesizer.kind, aloud=aloud, candidates=candidates)
    drawn = secrets.randbelow(2**31) if seed is None else seed
    how = How(drawn, temperature, candidates, seconds, None if bpm is None else (bpm, bars or 1), normalise)
    if latents_path is not None:
        tasks = [task for each in mixtures for task in of_latents(synthesizer, each, latents_path, how)]
    else:
        tasks = [task for each in mixtures for task in of_genre(synthesizer, each, count, how)]
    if single and len(tasks) > 1:
        raise click.UsageError(f"-o {output} takes one clip; for the {len(tasks)} of {latents_path} name a folder.")
    if seed is None:
        say(f"Seed {drawn}; --seed {drawn} makes the same again.")
    if normalise is not None:
        say(f"Each sound's peak is brought to {normalise:g} dBFS.")
    if pipe is not None:
        clip = tasks[0].make()
        pipe.write(clip.encode())
        pipe.flush()
        _remark_on_level("The sound", clip)
        return
    folder = Path(output).parent if single else Path(output)
    paths = [Path(output) if single else folder / task.name for task in tasks]
    if not overwrite:
        _refuse_others(paths, [[each.info() for each in task.possible] for task in tasks])
    make_folder(folder)
    descriptions = []
    with tracked(range(len(tasks)), "Generating") as numbers:
        for number in numbers:
            new = tasks[number].make()
            save(paths[number], new.content(paths[number]), overwrite=overwrite)
            if as_json:
                descriptions.append({"path": str(paths[number]), **new.describe()})
            else:
                show_path(paths[number])
            _remark_on_level(str(paths[number]), new)
            if aloud:
                play(paths[number])
    if as_json:
        show_json(descriptions)


def _refuse_together(flags: dict[str, bool], why: str) -> None:
    """Refuse options of which one at most can be given."""
    named = [flag for flag, there in flags.items() if there]
    if len(named) > 1:
        raise click.UsageError(f"{named[0]} can't be combined with {named[1]}: {why}.")


def _remark_on_level(name: str, clip: Clip) -> None:
    """Say that a sound is hardly heard, and what to add."""
    if not clip.kind and clip.provenance.normalise is None and clip.peak_db < QUIET:
        level = f"a peak of {clip.peak_db:.0f} dBFS" if math.isfinite(clip.peak_db) else "silent"
        say(f"{name} is very quiet ({level}): --normalise -1 makes it loud.")


def _refuse_others(paths: list[Path], infos: list[list[dict[str, str]]]) -> None:
    """Before anything is made, refuse files that say that something else made them than one of what may."""
    from genvae.items import read_comment

    for path, possible in zip(paths, infos, strict=True):
        if not possible or not path.exists():  # what is known only once it is made is compared then
            continue
        try:
            same = path.is_file() and read_comment(path) in [info["ICMT"] for info in possible]
        except ItemError:
            same = False
        if not same:
            raise GenvaeError(f"{path} exists and holds something else. Name another place, or use --overwrite.")
