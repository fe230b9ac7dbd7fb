"""What several commands share in showing results: tables, JSON, a progress bar, and files that are not overwritten."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click

from genvae.errors import DiskError, GenvaeError, OptionError
from genvae.text import printable

T = TypeVar("T")

SOUND_SUFFIXES = (".wav", ".flac", ".ogg")
PICTURE_SUFFIXES = (".png", ".gif")
"""Of what runs make whose items are no sounds."""

_PATIENCE = 2.0  # seconds before a progress bar is worth its noise


def say(text: str) -> None:
    """Write a line for people to stderr."""
    click.echo(printable(text), err=True)


def show_path(path: Path) -> None:
    """Write a path to stdout, a line; where names are bytes, those very bytes, so that a script can open it."""
    click.echo(os.fsencode(path) if os.name == "posix" else str(path))


def show_json(value: Any) -> None:
    """Write a value as JSON to stdout; ASCII only, so that any file name and any terminal will do."""
    click.echo(json.dumps(value, indent=2))


def show_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table to stdout: wrapped to a terminal; on a pipe plain, one line a row, with nothing cut."""
    cells = [[printable(" ".join(cell.split())) for cell in row] for row in rows]
    if sys.stdout is None or not sys.stdout.isatty():
        widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
        for row in [list(heads), *cells]:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, head in enumerate(heads):
        table.add_column(head, overflow="fold", no_wrap=position == 0)
    for row in cells:
        table.add_row(*map(Text, row))  # as Text, so that brackets in a name are not taken for markup
    Console().print(table)


def printed_options(section: str, cls: type) -> list[tuple[str, str]]:
    """Each option of a dataclass as what is typed to leave it as it is, and what it means and takes."""
    from genvae.plugin.options import describe

    rows = []
    for each in describe(cls):
        default = each.default.strip('"')
        rows.append((f"{section}.{each.name}={default}", f"{each.meaning}: {each.type}"))
    return rows


def show_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Write named values to stdout, one a line."""
    pairs = [(printable(name), printable(" ".join(value.split()))) for name, value in fields]
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        click.echo(f"{name.ljust(width)}  {value}".rstrip())


@contextmanager
def tracked(items: Sequence[T], what: str) -> Iterator[Iterator[T]]:
    """Iterate over items; once it has taken a while, and on a terminal only, with a progress bar on stderr."""
    steps = _track(items, what)
    try:
        yield steps
    finally:
        steps.close()  # an error must not leave the bar on the terminal


def _track(items: Sequence[T], what: str) -> Generator[T, None, None]:
    if sys.stderr is None or not sys.stderr.isatty():
        yield from items
        return
    began, done = time.monotonic(), 0
    while done < len(items) and time.monotonic() - began < _PATIENCE:
        yield items[done]
        done += 1
    if done == len(items):
        return
    from rich.console import Console
    from rich.progress import Progress

    # Where stdout is a pipe it carries data, and rich must not send that to the terminal.
    bar = Progress(console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty())
    with bar:
        yield from bar.track(items[done:], total=len(items), completed=done, description=what)


def save(path: Path, content: bytes, *, overwrite: bool) -> None:
    """Write a file whole; one that has this content is left as it is.

    Raises:
        GenvaeError: there is a file with other content and `overwrite` is not set.
        DiskError: the file can't be written.
    """
    from genvae.files import write_whole

    try:
        if path.exists() and not overwrite:
            if path.read_bytes() == content:
                return
            raise GenvaeError(f"{path} exists and holds something else. Name another place, or use --overwrite.")
        write_whole(path, content)
    except OSError as error:
        raise DiskError(f"{path} can't be written: {error.strerror}.") from error


def is_file(output: str) -> bool:
    """Whether `--output` names one sound file, or standard output, rather than a folder.

    A new folder whose name looks like that of a file is told by a slash at its end.

    Raises:
        GenvaeError: it is empty, or names a file of a kind that can't be written.
    """
    if not output:
        raise GenvaeError("--output is empty: name a sound file, a folder, or - for standard output.")
    path = Path(output)
    if output == "-" or (path.suffix.lower() in SOUND_SUFFIXES + PICTURE_SUFFIXES and not path.is_dir()):
        return True
    looks_like_file = re.fullmatch(r"\.[A-Za-z][A-Za-z0-9]{1,4}", path.suffix) is not None
    if looks_like_file and not path.is_dir() and not output.endswith(("/", os.sep)):
        suffixes = ", ".join(SOUND_SUFFIXES)
        raise GenvaeError(f"{output} can't be written: sound files are {suffixes}. A folder's name ends with a slash.")
    return False


def make_folder(path: Path) -> None:
    """Make a folder and those above it.

    Raises:
        DiskError: it can't be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"The folder {path} can't be made: {error.strerror}.") from error


def byte_stream() -> BinaryIO:
    """Standard output for bytes.

    Raises:
        GenvaeError: it is closed, or a terminal, which a sound would only upset.
    """
    if sys.stdout is None:
        raise OptionError("Standard output is closed, so that -o - leads nowhere. Name a file.")
    if sys.stdout.isatty():
        raise GenvaeError(
            "-o - writes a wav file, which is nothing for a terminal. "
            "Pipe it, for example into: ffplay -nodisp -autoexit -"
        )
    return sys.stdout.buffer
