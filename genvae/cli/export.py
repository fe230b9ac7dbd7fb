"""`genvae export`: a run's decoder in a format that other runtimes read."""

from __future__ import annotations

from pathlib import Path

import click

from genvae.cli.generate import open_run
from genvae.cli.output import say, show_json, show_path
from genvae.errors import GenvaeError


@click.command()
@click.argument("run_path", metavar="[RUN]", required=False, type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["onnx"]), default="onnx", show_default=True,
              help="What to write.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), default=Path("decoder.onnx"),
              show_default=True, help="File to write.")  # fmt: skip
@click.option("--mean", is_flag=True, help="Export the mean of what is decoded, which draws nothing.")
@click.option("--overwrite", is_flag=True, help="Write over a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as JSON.")
def export(run_path: Path | None, kind: str, output: Path, mean: bool, overwrite: bool, as_json: bool) -> None:
    """Write the decoder of RUN, by default of the embedded run: latents and a genre in, features out.

    Where the model draws, what it draws is an input too. The file is compared with torch, genre by genre, before it is
    written; what its features mean stands inside. `pip install 'genvae[export]'` brings what this needs.

    \b
    genvae export run --format onnx -o decoder.onnx
    """
    if output.exists() and not overwrite:
        raise GenvaeError(f"{output} exists. Name another place with -o, or use --overwrite.")
    if not output.parent.is_dir():
        raise GenvaeError(f"{output} can't be written: there is no folder {output.parent}.")
    run = open_run(run_path)

    from dataclasses import asdict

    from genvae.export import export_onnx
    from genvae.registry import installed

    done = export_onnx(run, installed(), output, mean=mean)
    if as_json:
        show_json({"path": str(output), **asdict(done)})
        return
    show_path(output)
    shapes = [f"{name} {list(shape)}" for name, shape in done.inputs.items()]
    say(f"{', '.join(shapes)} -> features {list(done.outputs['features'])}; at most {done.difference:.1e} from torch.")
