"""`genvae export`: what a run generates with, in a format that other runtimes read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from genvae.cli.completion import complete_runs
from genvae.cli.output import say, show_json, show_path
from genvae.errors import DiskError, GenvaeError

if TYPE_CHECKING:
    from genvae.onnx_export import ExportPart


@click.command()
@click.argument(
    "run_path", metavar="[RUN]", required=False, type=click.Path(path_type=Path), shell_complete=complete_runs
)
@click.option("--format", "kind", type=click.Choice(["onnx"]), default="onnx", show_default=True, help="What to write.")
@click.option(
    "--part",
    type=click.Choice(["decoder", "spectrogram", "waveform"]),
    default="decoder",
    show_default=True,
    help="From a latent to features, from a genre to what a vocoder takes, or from a latent to sound.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="File to write.  [default: PART.onnx]"
)
@click.option("--mean", is_flag=True, help="Of the decoder, the mean alone, which draws nothing.")
@click.option("--overwrite", is_flag=True, help="Write over a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as JSON.")
def export(
    run_path: Path | None,
    kind: str,
    part: ExportPart,
    output: Path | None,
    mean: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write the decoder of RUN, by default of the pretrained run, all that comes before its vocoder, or all of it.

    What is drawn on the way is an input, too. The file is compared with torch, genre by genre, before it is
    written; what its features mean stands inside. `pip install 'genvae[export]'` brings what this needs.

    \b
    genvae export run --format onnx -o decoder.onnx
    genvae export run --part spectrogram
    genvae export run --part waveform
    """
    if mean and part != "decoder":
        raise click.UsageError("--mean is of the decoder alone; leave --part out.")
    output = output or Path(f"{part}.onnx")
    if output.exists() and not overwrite:
        raise GenvaeError(f"{output} exists. Name another place with -o, or use --overwrite.")
    if not output.parent.is_dir():
        raise DiskError(f"{output} can't be written: there is no folder {output.parent}.")

    from dataclasses import asdict

    from genvae.onnx_export import export_onnx
    from genvae.plugin.registry import installed
    from genvae.verbs import open_run

    run = open_run(run_path)
    done = export_onnx(run, installed(), output, part=part, mean=mean)
    if as_json:
        show_json({"path": str(output), **asdict(done)})
        return
    show_path(output)
    shapes = [f"{name} {list(shape)}" for name, shape in done.inputs.items()]
    [(name, shape)] = done.outputs.items()
    say(f"{', '.join(shapes)} -> {name} {list(shape)}; at most {done.difference:.1e} from torch.")
