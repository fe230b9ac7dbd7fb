"""`genvae encode`: a sound as latents, for other tools and for `genvae generate --latents`."""

from __future__ import annotations

from pathlib import Path

import click

from genvae.cli.completion import complete_genres, run_option
from genvae.cli.output import make_folder, save, say, show_json, show_path
from genvae.errors import GenvaeError


@click.command()
@click.argument("source", metavar="FILE|GENRE@SEED")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE.npy",
    type=click.Path(path_type=Path, dir_okay=False),
    help="To write.",
)
@run_option
@click.option(
    "--genre", shell_complete=complete_genres, help="Genre to encode under; by default the one that fits best."
)
@click.option("--overwrite", is_flag=True, help="Write over a file that holds something else.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as JSON.")
def encode(source: str, output: Path, run_path: Path | None, genre: str | None, overwrite: bool, as_json: bool) -> None:
    """Write the latents of a sound, a row for each clip's length, as float32 in NumPy's .npy format.

    \b
    genvae encode song.mp3 -o song.npy
    genvae encode techno@42 -o kick.npy
    genvae generate --latents song.npy --genre rock -o heard/
    """
    if output.suffix != ".npy":
        raise GenvaeError(f"{output} can't be written: latents are .npy files.")

    from genvae.cli.errors import command_line
    from genvae.cli.runs import load_run
    from genvae.errors import Cure
    from genvae.synthesis.inputs import file_of, seed_of
    from genvae.synthesis.latent_files import npy

    synthesizer = load_run(run_path, None, ())
    if seed_of(source):
        knot = synthesizer.locate(source)
        latents, chosen = knot.latent[None], knot.genre
    else:
        latents, chosen = synthesizer.encode(file_of(source, synthesizer.genres), genre)
    make_folder(output.parent)
    save(output, npy(latents), overwrite=overwrite)
    if as_json:
        show_json({"path": str(output), "genre": chosen, "clips": len(latents), "latent_dim": latents.shape[1]})
        return
    show_path(output)
    fields = {"run": run_path} if run_path else {}
    again = command_line(Cure.of("generate", **fields, latents=output, genre=chosen))
    say(f"{len(latents)} of {latents.shape[1]} numbers, encoded as {chosen}. Hear them with: {again}")
