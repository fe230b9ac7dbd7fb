"""`genvae store`: what is done with clip stores as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import click

from genvae.cli.numbers import Whole
from genvae.cli.places import PLACE


@click.group()
def store() -> None:
    """Join the parts of a clip store, or write it for other programs."""


@store.command()
@click.argument("parts", metavar="PART...", nargs=-1, required=True, type=PLACE)
@click.option("--out", metavar="STORE", required=True, type=PLACE, help="Folder of the store.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def merge(parts: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Join every PART, which `genvae prepare --shard` has made, to STORE.

    STORE then holds what one preparation of all recordings would have made, byte by byte. Run it again with the parts
    of a larger collection: what STORE holds stays in its splits.

    \b
    genvae prepare music/ --out part-1 --shard 1/2
    genvae prepare music/ --out part-2 --shard 2/2
    genvae store merge part-1 part-2 --out store
    """
    from genvae.clips.report import table
    from genvae.verbs import merge_stores

    report = merge_stores(parts, out).report
    click.echo(json.dumps(report, indent=2) if as_json else table(report))


@store.command()
@click.argument("path", metavar="STORE", type=PLACE)
@click.option("--webdataset", "folder", metavar="DIR", required=True, type=PLACE, help="New folder of tar files.")
@click.option("--per-tar", type=Whole(1), default=1000, show_default=True, help="Clips in a file.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as JSON.")
def export(path: Path, folder: Path, per_tar: int, as_json: bool) -> None:
    """Write the clips of STORE as WebDataset, for programs that read such.

    Each clip is a wav file, as exact as the store has it, and a JSON file with its genre, split, recording, offset and
    licence. `genvae prepare DIR --dataset webdataset` reads them, and other folders of the kind.

    \b
    genvae store export store --webdataset tars
    """
    from genvae.cli.output import show_json, show_path
    from genvae.verbs import export_webdataset

    files = export_webdataset(path, folder, per_tar=per_tar)
    if as_json:
        show_json([str(file) for file in files])
    else:
        for file in files:
            show_path(file)
