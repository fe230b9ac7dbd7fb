"""`genvae regenerate`: make a generated clip again from what its file says, and compare."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.cli.output import byte_stream, make_folder, save, say, show_json, show_path
from genvae.errors import GenvaeError, RunError

if TYPE_CHECKING:
    from genvae.synthesis.provenance import Provenance
    from genvae.synthesis.synthesizer import Synthesizer


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", "run_path", type=click.Path(path_type=Path),
              help="The run that made it, where it is not the embedded one.")  # fmt: skip
@click.option("-o", "--output", metavar="FILE|DIR|-", help="Where to write it; by default it is only compared.")
@click.option("--overwrite", is_flag=True, help="Write over a file that holds something else.")
@click.option("--json", "as_json", is_flag=True, help="Say what was made as JSON.")
def regenerate(file: Path, run_path: Path | None, output: str | None, overwrite: bool, as_json: bool) -> None:
    """Make the clip in FILE again, byte for byte.

    The file says which run, genre, seed and options made it. The new bytes are compared with those in FILE; where they
    differ, the message says what is different here, and the exit status is 1.

    \b
    genvae regenerate techno-s42-000.wav
    """
    from genvae.audio import wav
    from genvae.synthesis import provenance

    if output == "-" and as_json:
        raise click.UsageError("-o - can't be combined with --json: standard output is the sound.")
    pipe = byte_stream() if output == "-" else None
    told = provenance.read(file)
    synthesizer = _synthesizer(file, told, run_path)
    clip = synthesizer.again(told)
    # With the provenance as it was: a newer version that makes the same sound makes the same file.
    content = wav.encode(clip.wave.numpy(), clip.sample_rate, told.info())
    same = content == file.read_bytes()
    target = file
    if pipe is not None:
        pipe.write(content)
        pipe.flush()
    elif output is not None:
        target = Path(output) if output.lower().endswith(".wav") else Path(output) / file.name
        make_folder(target.parent)
        save(target, content, overwrite=overwrite)
    if as_json:
        show_json({"path": str(target), "same": same, "run": told.run})
    elif pipe is None:
        show_path(target)
    if not same:
        versions = clip.provenance.differing_versions(told)
        reason = f"Here is {versions}." if versions else "Its content was changed, or another kind of machine made it."
        raise GenvaeError(f"{file} holds other bytes than its run makes here. {reason}")
    say(f"The same bytes as {file}.")


def _synthesizer(file: Path, told: Provenance, run_path: Path | None) -> Synthesizer:
    """The run that made a file, with the vocoder that made it."""
    from genvae.cli.generate import open_run
    from genvae.pipeline import Part
    from genvae.plugin.registry import installed
    from genvae.synthesis.synthesizer import Synthesizer

    try:
        run = open_run(run_path)
    except RunError as error:
        if run_path is not None:
            raise
        raise RunError(f"{file} was made by the run {told.run}. Say where it is with --run RUN.") from error
    if (digest := run.digest()) != told.run:
        which = f"{run_path} is the run {digest}" if run_path else f"the embedded run is {digest}"
        raise RunError(
            f"{file} was made by the run {told.run}, but {which}. Say where the right one is with --run RUN."
        )
    return Synthesizer(run, installed(), vocoder=Part(**told.vocoder))
