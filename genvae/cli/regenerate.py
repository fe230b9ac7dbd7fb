"""`genvae regenerate`: make a generated clip again from what its file says, and compare."""

from __future__ import annotations

from pathlib import Path

import click

from genvae.cli.completion import complete_runs
from genvae.cli.output import byte_stream, is_file, make_folder, save, say, show_json, show_path
from genvae.errors import RunError


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--run",
    "run_path",
    type=click.Path(path_type=Path),
    shell_complete=complete_runs,
    help="The run that made it, where it is not the pretrained one.",
)
@click.option("-o", "--output", metavar="FILE|DIR|-", help="Where to write it; by default it is only compared.")
@click.option("--overwrite", is_flag=True, help="Write over a file that holds something else.")
@click.option("--json", "as_json", is_flag=True, help="Say what was made as JSON.")
def regenerate(file: Path, run_path: Path | None, output: str | None, overwrite: bool, as_json: bool) -> None:
    """Make the clip in FILE again, byte for byte.

    The file says which run, genre, seed and options made it. The new bytes are compared with those in FILE; where they
    differ, the message says what is different here, and the exit status is 4.

    \b
    genvae regenerate techno-s42-000.wav
    """
    from genvae.items import suffix_of
    from genvae.synthesis import provenance
    from genvae.verbs import regenerate as remake

    if output == "-" and as_json:
        raise click.UsageError("-o - can't be combined with --json: standard output is the sound.")
    pipe = byte_stream() if output == "-" else None
    origin = provenance.read(file)
    clip = remake(file, run_path)
    # With the provenance as it was: a newer version that makes the same sound makes the same file.
    kind = clip.item_kind
    content = kind.encode(clip.wave.numpy(), suffix_of(file, kind.suffixes, kind.name), origin.info())
    same = content == file.read_bytes()
    target = file
    if pipe is not None:
        pipe.write(content)
        pipe.flush()
    elif output is not None:
        target = Path(output) if is_file(output) else Path(output) / file.name
        make_folder(target.parent)
        save(target, content, overwrite=overwrite)
    if as_json:
        show_json({"path": str(target), "same": same, "run": origin.run})
    elif pipe is None:
        show_path(target)
    if not same:
        versions = clip.provenance.differing_versions(origin)
        reason = f"Here is {versions}." if versions else "Its content was changed, or another kind of machine made it."
        raise RunError(f"{file} holds other bytes than its run makes here. {reason}")
    say(f"The same bytes as {file}.")
