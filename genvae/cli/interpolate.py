"""`genvae interpolate`: the sounds on the way from one latent to another, as clips or as one wav."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.cli.output import byte_stream, make_folder, save, say, show_json, show_path, tracked
from genvae.cli.sources import read_sound, seeded_clip, sound_file

if TYPE_CHECKING:
    from genvae.synthesis.latent_path import Knot
    from genvae.synthesis.synthesizer import Clip, Synthesizer


@click.command()
@click.option("--from", "start", required=True, metavar="GENRE@SEED|FILE", help="Where the way begins.")
@click.option("--to", "end", required=True, metavar="GENRE@SEED|FILE", help="Where it ends.")
@click.option("--steps", type=click.IntRange(2, 1000), default=8, show_default=True,
              help="Number of clips, with both ends.")  # fmt: skip
@click.option("--seconds", type=float, help="One sound of this length, which passes all of the way evenly.")
@click.option("-o", "--output", default=".", metavar="FILE|DIR|-",
              help="A folder for the clips; a .wav file or - for one sound.  [default: here]")  # fmt: skip
@click.option("--run", "run_path", type=click.Path(path_type=Path), help="Run to use instead of the embedded one.")
@click.option("--vocoder", help="Vocoder to use instead of the run's own.")
@click.option("--set", "assignments", multiple=True, metavar="vocoder.NAME=VALUE",
              help="An option of the vocoder, such as vocoder.iterations=64; may be repeated.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1),
              help="Of the noise in the sound; by default that of --from, or 0 where it is a file.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Write over files that hold something else.")
@click.option("--json", "as_json", is_flag=True, help="Say what was made as JSON.")
def interpolate(
    start: str, end: str, steps: int, seconds: float | None, output: str, run_path: Path | None, vocoder: str | None,
    assignments: tuple[str, ...], seed: int | None, overwrite: bool, as_json: bool,
) -> None:  # fmt: skip
    """Go from one sound to another through the latent space, along a great circle.

    An end is a genre and a seed, as `genvae generate --genre GENRE --seed SEED` makes it, or a sound file, whose first
    clip's length is encoded. The steps become separate clips; with -o FILE.wav or --seconds they become one sound,
    faded into each other. The paths of the wav files go to standard output.

    \b
    genvae interpolate --from techno@42 --to piano@7 --steps 5 -o way/
    genvae interpolate --from song.mp3 --to piano@7 --seconds 10 -o way.wav
    """
    if output == "-" and as_json:
        raise click.UsageError("-o - can't be combined with --json: standard output is the sound.")
    pipe = byte_stream() if output == "-" else None

    from genvae.cli.generate import describe, open_run, synthesizer_for
    from genvae.plugin.registry import installed
    from genvae.synthesis.latent_path import Path as Way

    run = open_run(run_path)
    synthesizer = synthesizer_for(run, installed(), vocoder, assignments)
    (first, first_seed, first_name), (last, _, last_name) = _end(start, synthesizer), _end(end, synthesizer)
    way = Way((first, last))
    noise = seed if seed is not None else first_seed or 0
    name = f"{first_name}-to-{last_name}"
    if pipe is not None or output.lower().endswith(".wav") or seconds is not None:
        if seconds is None:
            seconds = synthesizer.seconds(steps)
        joined = synthesizer.travel(way, seconds, seed=noise)
        if pipe is not None:
            pipe.write(joined.wav())
            pipe.flush()
            return
        target = Path(output) if output.lower().endswith(".wav") else Path(output) / f"{name}.wav"
        make_folder(target.parent)
        made = [_kept(target, joined, overwrite, as_json)]
    else:
        make_folder(Path(output))
        made = []
        with tracked(range(steps), "Generating") as numbers:
            for number in numbers:
                clip = synthesizer.visit(way, number / (steps - 1), seed=noise)
                made.append(_kept(Path(output) / f"{name}-{number:03d}.wav", clip, overwrite, as_json))
    if as_json:
        show_json([{"path": str(path), **describe(clip)} for path, clip in made])


def _kept(path: Path, clip: Clip, overwrite: bool, as_json: bool) -> tuple[Path, Clip]:
    save(path, clip.wav(), overwrite=overwrite)
    if not as_json:
        show_path(path)
    return path, clip


def _end(text: str, synthesizer: Synthesizer) -> tuple[Knot, int | None, str]:
    """An end of the way: its place, its seed if it has one, and a name for files."""
    from genvae.cli.generate import file_stem
    from genvae.synthesis.latent_path import Knot

    if seeded := seeded_clip(text):
        genre, seed = seeded
        return Knot(genre, synthesizer.latent(genre, seed=seed)), seed, f"{file_stem(genre, 80)}-s{seed}"
    file = sound_file(text, synthesizer.genres)
    sound, _ = read_sound(file, synthesizer)
    latents, fitting = synthesizer.encode(sound[: synthesizer.clip_samples])
    seconds, clip = len(sound) / synthesizer.sample_rate, synthesizer.clip_samples / synthesizer.sample_rate
    part = f"; the first {clip:g} of its {seconds:.1f} s" if seconds > clip else ""
    say(f"{file}: taken as {fitting}{part}")
    return Knot(fitting, latents[0]), None, file_stem(file.stem, 80)
