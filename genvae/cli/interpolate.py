"""`genvae interpolate`: the sounds on the way from one latent to another, as clips or as one wav."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.cli.completion import complete_vocoders, run_option, with_option
from genvae.cli.numbers import Number, Whole
from genvae.cli.output import (
    PICTURE_SUFFIXES,
    byte_stream,
    is_file,
    make_folder,
    save,
    say,
    show_json,
    show_path,
    tracked,
)

if TYPE_CHECKING:
    from genvae.synthesis.latent_path import Knot
    from genvae.synthesis.sound import Clip
    from genvae.synthesis.synthesizer import Synthesizer


@click.command()
@click.option("--from", "start", required=True, metavar="GENRE@SEED|FILE", help="The sound to begin with.")
@click.option("--to", "end", required=True, metavar="GENRE@SEED|FILE", help="The sound to end with.")
@click.option("--steps", type=Whole(2, 1000), default=8, show_default=True, help="Number of clips, with both ends.")
@click.option("--seconds", type=Number(), help="Make one sound of this length instead of clips.")
@click.option(
    "-o",
    "--output",
    default=".",
    metavar="FILE|DIR|-",
    help="A folder for the clips; a .wav file or - for one sound; of designs a .png file for a strip, a .gif file for "
    "one after the other.  [default: here]",
)
@run_option
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
    "--seed",
    type=Whole(0, 2**63 - 1),
    help="Of the noise in the sound; by default that of --from, or 0 where it is a file.",
)
@click.option("--overwrite", is_flag=True, help="Write over files that hold something else.")
@click.option("--json", "as_json", is_flag=True, help="Say what was made as JSON.")
def interpolate(
    start: str,
    end: str,
    steps: int,
    seconds: float | None,
    output: str,
    run_path: Path | None,
    asked: tuple[str, ...],
    vocoder: str | None,
    assignments: tuple[str, ...],
    seed: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Interpolate between two sounds through the latent space, along a great circle.

    An end is a genre and a seed, as `genvae generate --genre GENRE --seed SEED` makes it, or a sound file, whose first
    clip's length is encoded. The steps become separate clips; with -o FILE.wav or --seconds they become one sound,
    faded into each other. The paths of the wav files go to standard output.

    \b
    genvae interpolate --from techno@42 --to piano@7 --steps 5 -o way/
    genvae interpolate --from song.mp3 --to piano@7 --seconds 10 -o way.wav
    """
    source = click.get_current_context().get_parameter_source("steps")
    if seconds is not None and source is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("--steps and --seconds both say how long the sound is: give one of them.")
    if output == "-" and as_json:
        raise click.UsageError("-o - can't be combined with --json: standard output is the sound.")
    single = is_file(output)
    pipe = byte_stream() if output == "-" else None

    from genvae.cli.runs import asked_name, load_run
    from genvae.synthesis.latent_path import LatentPath

    synthesizer = load_run(run_path, vocoder, assignments, asked)
    (first, first_seed, first_name), (last, _, last_name) = _end(start, synthesizer), _end(end, synthesizer)
    way = LatentPath((first, last))
    noise = seed if seed is not None else first_seed or 0
    name = f"{first_name}-to-{last_name}{asked_name(synthesizer)}"
    if single and seconds is None and not synthesizer.makes_sounds:
        clips = [synthesizer.decode_at(way, number / (steps - 1), seed=noise) for number in range(steps)]
        content = _together(clips, output)
        if pipe is not None:
            pipe.write(content)
            pipe.flush()
            return
        make_folder(Path(output).parent)
        save(Path(output), content, overwrite=overwrite)
        outputs = [(Path(output), clips[-1])]
        if not as_json:
            show_path(Path(output))
    elif single or seconds is not None:
        if seconds is None:
            seconds = synthesizer.seconds(steps)
        joined = synthesizer.decode_path(way, seconds, seed=noise)
        if pipe is not None:
            pipe.write(joined.wav())
            pipe.flush()
            return
        target = Path(output) if single else Path(output) / f"{name}.wav"
        make_folder(target.parent)
        outputs = [_save_clip(target, joined, overwrite, as_json)]
    else:
        make_folder(Path(output))
        outputs, suffix = [], synthesizer.kind.suffixes[0]
        with tracked(range(steps), "Generating") as numbers:
            for number in numbers:
                clip = synthesizer.decode_at(way, number / (steps - 1), seed=noise)
                outputs.append(_save_clip(Path(output) / f"{name}-{number:03d}{suffix}", clip, overwrite, as_json))
    if as_json:
        show_json([{"path": str(path), **clip.describe()} for path, clip in outputs])


def _together(clips: list[Clip], output: str) -> bytes:
    """Pictures of items in one file: a GIF file one after the other, else a PNG file side by side."""
    from genvae.items import suffix_of
    from genvae.plots.tiles import gif, shown, strip
    from genvae.png import encode_png

    pictures = [shown(clip) for clip in clips]
    suffix = ".png" if output == "-" else suffix_of(Path(output), PICTURE_SUFFIXES, clips[0].item_kind.name)
    return gif(pictures) if suffix == ".gif" else encode_png(strip(pictures))


def _save_clip(path: Path, clip: Clip, overwrite: bool, as_json: bool) -> tuple[Path, Clip]:
    save(path, clip.content(path), overwrite=overwrite)
    if not as_json:
        show_path(path)
    return path, clip


def _end(text: str, synthesizer: Synthesizer) -> tuple[Knot, int | None, str]:
    """An end of the path: where it lies, its seed if it has one, and a name for files."""
    from genvae.synthesis.inputs import file_of, seed_of
    from genvae.text import file_stem

    knot = synthesizer.locate(text)
    if named := seed_of(text):
        return knot, named[1], f"{file_stem(knot.genre, 80)}-s{named[1]}"
    file = file_of(text, synthesizer.genres)
    if not synthesizer.makes_sounds:
        say(f"{file}: encoded as {knot.genre}")
        return knot, None, file_stem(file.stem, 80)
    say(f"{file}: its first {synthesizer.clip_samples / synthesizer.sample_rate:g} s, encoded as {knot.genre}")
    return knot, None, file_stem(file.stem, 80)
