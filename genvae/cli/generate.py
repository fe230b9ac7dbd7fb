"""`genvae generate`: new clips of a genre, each with what made it inside."""

from __future__ import annotations

import secrets
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.cli.numbers import Number, Whole
from genvae.cli.output import byte_stream, is_file, make_folder, save, say, show_json, show_path, tracked
from genvae.errors import AudioError, GenvaeError, OptionError

if TYPE_CHECKING:
    from genvae.synthesis.sound import Clip


def _no_words(ctx: click.Context, parameter: click.Parameter, words: tuple[str, ...]) -> None:
    """Refuse a genre that stands without its flag."""
    if words:
        raise click.UsageError(f"Name the genre with --genre: genvae generate --genre {shlex.quote(words[0])}")


@click.command()
@click.argument("words", nargs=-1, metavar="", expose_value=False, callback=_no_words)
@click.option("--run", "run_path", type=click.Path(path_type=Path), help="Run to use instead of the pretrained one.")
@click.option("--genre", help="Genre of the clips; left out, the error names those of the run.")
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
    help="A longer sound, on a smooth way through the genre's latents.  [default: one clip]",
)
@click.option("--vocoder", help="Vocoder to use instead of the run's own.")
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
    help="A .wav, .flac or .ogg file, a folder, or - for a pipe.  [default: here]",
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
    vocoder: str | None,
    assignments: tuple[str, ...],
    output: str,
    overwrite: bool,
    aloud: bool,
    as_json: bool,
) -> None:
    """Make new clips of a genre.

    Each is drawn afresh from what the run has learnt; none is a stored one. The paths of the wav files go to standard
    output.

    \b
    genvae generate --genre techno
    genvae generate --genre techno --count 10 --seed 42 -o clips/
    genvae generate --genre piano --seconds 8
    genvae generate --genre techno -o - | ffplay -nodisp -autoexit -
    """
    single = is_file(output)
    if single and count > 1:
        raise click.UsageError(f"-o {output} takes one clip; for --count {count} name a folder.")
    if output == "-" and (as_json or aloud):
        raise click.UsageError("-o - can't be combined with --json or --play: standard output is the sound.")
    if candidates > 1 and seconds is not None:
        raise click.UsageError("--candidates chooses among clips, so it can't be combined with --seconds.")
    pipe = byte_stream() if output == "-" else None

    from genvae.audio.encode import format_of
    from genvae.audio.play import play
    from genvae.cli.runs import file_name, load_run
    from genvae.verbs import open_run

    run = open_run(run_path)
    if genre is None:
        raise OptionError(f"Name a genre with `genre`. This run knows: {', '.join(run.config.genres)}.")
    synthesizer = load_run(run_path, vocoder, assignments)
    drawn = secrets.randbelow(2**31) if seed is None else seed
    chooser = None
    if candidates > 1:
        from genvae.metrics.candidates import Chooser

        chooser = Chooser.of(run, synthesizer)
    wanted = [
        synthesizer.provenance(genre, seed=drawn, index=i, temperature=temperature, seconds=seconds)
        for i in range(count * candidates)
    ]
    if seed is None:
        say(f"Seed {drawn}; --seed {drawn} makes the same again.")

    def clip(index: int) -> Clip:
        if chooser is not None:
            return chooser.generate(genre, candidates, seed=drawn, index=index, temperature=temperature)
        return synthesizer.generate(genre, seed=drawn, index=index, temperature=temperature, seconds=seconds)

    if pipe is not None:
        pipe.write(clip(0).wav())
        pipe.flush()
        return
    folder = Path(output).parent if single else Path(output)
    paths = [Path(output) if single else folder / file_name(genre, drawn, i) for i in range(count)]
    if not overwrite:
        infos = [each.info() for each in wanted]
        _refuse_others(paths, [infos[i * candidates : (i + 1) * candidates] for i in range(count)])
    make_folder(folder)
    made = []
    with tracked(range(count), "Generating") as indices:
        for index in indices:
            new = clip(index)
            save(paths[index], new.encode(format_of(paths[index])), overwrite=overwrite)
            if as_json:
                made.append({"path": str(paths[index]), **new.describe()})
            else:
                show_path(paths[index])
            if aloud:
                play(paths[index])
    if as_json:
        show_json(made)


def _refuse_others(paths: list[Path], infos: list[list[dict[str, str]]]) -> None:
    """Before anything is made, refuse files that say that something else made them than one of what may."""
    from genvae.audio.encode import read_comment

    for path, possible in zip(paths, infos, strict=True):
        if not path.exists():
            continue
        try:
            same = path.is_file() and read_comment(path) in [info["ICMT"] for info in possible]
        except AudioError:
            same = False
        if not same:
            raise GenvaeError(f"{path} exists and holds something else. Name another place, or use --overwrite.")
