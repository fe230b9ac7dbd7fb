"""`genvae reconstruct`: your own sound through the model and back, to hear what it can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from genvae.cli.completion import complete_genres, complete_vocoders, run_option, with_option
from genvae.cli.output import make_folder, save, say, show_json, show_path
from genvae.errors import DiskError, GenvaeError


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for NAME-reconstruction.wav of each file.",
)
@run_option
@click.option(
    "--genre",
    shell_complete=complete_genres,
    help="Genre to condition on; by default the one that fits each file best.",
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
@click.option("--overwrite", is_flag=True, help="Write over files that hold something else.")
@click.option("--json", "as_json", is_flag=True, help="Say what was made as JSON.")
def reconstruct(
    files: tuple[Path, ...],
    output: Path,
    run_path: Path | None,
    genre: str | None,
    asked: tuple[str, ...],
    vocoder: str | None,
    assignments: tuple[str, ...],
    overwrite: bool,
    as_json: bool,
) -> None:
    """Encode and decode sound FILEs, and write what is left of them.

    They may have any format; with ffmpeg installed also m4a, wma and the sound of videos. The distance that is told is
    the log-spectral distance from the original in dB: the lower, the nearer. A file that can't be read is named and
    skipped, and the exit status is then 3; of a damaged one what can be decoded is taken, with a warning.

    \b
    genvae reconstruct song.mp3 -o out/
    genvae reconstruct song.mp3 -o out/ --run mine --with loudness=-30
    """
    from genvae.cli.runs import asked_name, load_run
    from genvae.cli.sources import read_sound
    from genvae.synthesis.renderer import require_genre

    synthesizer = load_run(run_path, vocoder, assignments, asked)
    ending = f"-reconstruction{asked_name(synthesizer)}{synthesizer.kind.suffixes[0]}"
    targets = [output / f"{file.stem}{ending}" for file in files]
    for position, target in enumerate(targets):
        if target in targets[:position]:
            first = files[targets.index(target)]
            raise GenvaeError(f"{first} and {files[position]} would both become {target}. Take one at a time.")
    if genre is not None:
        require_genre(genre, synthesizer.genres)
    make_folder(output)
    entries: list[dict[str, Any]] = []
    failed = 0
    for file, target in zip(files, targets, strict=True):
        try:
            sound, warning = read_sound(file, synthesizer)
            result = synthesizer.reconstruct(sound, genre)
            save(target, result.encode(), overwrite=overwrite)
        except DiskError:  # which is not the recording's fault, and would be every other one's too
            raise
        except GenvaeError as error:
            failed += 1
            say(f"Skipped: {error}")
            entries.append({"file": str(file), "error": str(error)})
            continue
        unit = "distance_db" if synthesizer.makes_sounds else "distance"
        details = {"genre": result.genre, unit: result.distance, "warning": warning or None}
        if result.attributes:
            details["attributes"] = dict(result.attributes)
        entries.append({"file": str(file), "path": str(target), **details})
        if warning:
            say(f"Warning: {file}: {warning}.")
        if not as_json:
            show_path(target)
        apart = f"{result.distance:.1f} dB" if synthesizer.makes_sounds else f"{result.distance:.3f} (root mean square)"
        say(f"{file}: conditioned on {result.genre}, {apart} from the original")
    if as_json:
        show_json(entries)
    if failed:
        raise GenvaeError(f"{failed} of {len(files)} files could not be reconstructed; they are named above.")
