"""`genvae generate`: new clips of a genre, each with what made it inside."""

from __future__ import annotations

import math
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genvae.cli.output import byte_stream, make_folder, save, say, show_json, show_path, tracked
from genvae.errors import AudioError, GenvaeError

if TYPE_CHECKING:
    from genvae.plugin.registry import Registry
    from genvae.run import Run
    from genvae.synthesis.synthesizer import Clip, Synthesizer


def _finite(ctx: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is not a finite number.")
    return value


@click.command()
@click.option("--run", "run_path", type=click.Path(path_type=Path), help="Run to use instead of the embedded one.")
@click.option("--genre", help="Genre of the clips; left out, the error names those of the run.")
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="Number of clips.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Same seed and run, same clips. By default random.")
@click.option("--temperature", type=click.FloatRange(min=0), default=1.0, show_default=True, callback=_finite,
              help="Below 1 more typical, above 1 more unusual.")  # fmt: skip
@click.option("--candidates", type=click.IntRange(min=1), default=1, show_default=True, metavar="K",
              help="Draw K for each clip and keep the best by genre and plausibility; costs variety.")  # fmt: skip
@click.option("--seconds", type=float, callback=_finite,
              help="A longer sound, on a smooth way through the genre's latents.  [default: one clip]")  # fmt: skip
@click.option("--vocoder", help="Vocoder to use instead of the run's own.")
@click.option("--set", "assignments", multiple=True, metavar="vocoder.NAME=VALUE",
              help="An option of the vocoder, such as vocoder.iterations=64; may be repeated.")  # fmt: skip
@click.option("-o", "--output", default=".", metavar="FILE|DIR|-",
              help="A .wav file, a folder, or - for a pipe. By default the current folder.")  # fmt: skip
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
    single = output == "-" or output.lower().endswith(".wav")
    if single and count > 1:
        raise click.UsageError(f"-o {output} takes one clip; for --count {count} name a folder.")
    if output == "-" and (as_json or aloud):
        raise click.UsageError("-o - can't be combined with --json or --play: standard output is the sound.")
    if candidates > 1 and seconds is not None:
        raise click.UsageError("--candidates chooses among clips, so it can't be combined with --seconds.")
    pipe = byte_stream() if output == "-" else None

    from genvae.audio.play import play
    from genvae.plugin.registry import installed

    run = open_run(run_path)
    if genre is None:
        raise GenvaeError(f"Name a genre with --genre. This run knows: {', '.join(run.config.genres)}.")
    synthesizer = synthesizer_for(run, installed(), vocoder, assignments)
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
            save(paths[index], new.wav(), overwrite=overwrite)
            if as_json:
                made.append({"path": str(paths[index]), **describe(new)})
            else:
                show_path(paths[index])
            if aloud:
                play(paths[index])
    if as_json:
        show_json(made)


def open_run(path: Path | None) -> Run:
    """The run at `path`, or the embedded one.

    Raises:
        RunError: there is none, or it is damaged.
    """
    from genvae.pretrained import default_run
    from genvae.run import Run

    return Run(default_run() if path is None else path)


def synthesizer_for(run: Run, registry: Registry, vocoder: str | None, assignments: tuple[str, ...]) -> Synthesizer:
    """A run ready to generate, with the vocoder and the options of it that were asked for.

    Raises:
        OptionError: a wrong option. PluginError: no such vocoder. RunError: the run is unfinished or damaged.
    """
    from genvae.plugin import options
    from genvae.synthesis.synthesizer import Synthesizer

    values = options.parse_assignments(assignments, ["vocoder"])["vocoder"]
    if vocoder is None and not values:
        return Synthesizer(run, registry)
    other = run.config.with_vocoder(registry, vocoder or run.config.vocoder.plugin, values)
    return Synthesizer(run, registry, vocoder=other.vocoder)


def file_name(genre: str, seed: int, index: int) -> str:
    """A name such as `techno-s42-000.wav`, fit for any file system."""
    return f"{file_stem(genre)}-s{seed}-{index:03d}.wav"


def file_stem(name: str, most: int = 150) -> str:
    """A genre's or a file's name as a part of a file's name, fit for any file system, of so many bytes at most."""
    plain = re.sub(r"[^\w.-]+", "-", name).strip(".-")
    return plain.encode("utf-8")[:most].decode("utf-8", "ignore") or "genre"


def describe(clip: Clip) -> dict[str, Any]:
    """A clip for people who read JSON."""
    return {
        **clip.provenance.told(),
        "sample_rate": clip.sample_rate,
        "samples": len(clip.wave),
        "peak": float(clip.wave.abs().max()),
    }


def _refuse_others(paths: list[Path], infos: list[list[dict[str, str]]]) -> None:
    """Before anything is made, refuse files that say that something else made them than one of what may."""
    from genvae.audio import wav

    for path, possible in zip(paths, infos, strict=True):
        if not path.exists():
            continue
        try:
            same = path.is_file() and wav.read_info(path) in possible
        except AudioError:
            same = False
        if not same:
            raise GenvaeError(f"{path} exists and holds something else. Name another place, or use --overwrite.")
