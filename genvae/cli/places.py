"""Folders, files and URLs, as commands take them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click


class Place(click.Path):
    """A path, or a URL such as s3://bucket/store."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As click does, which would take the two slashes of a URL for one."""
        if isinstance(value, str) and "://" in value:
            from genvae.places import place

            return place(value)
        return super().convert(value, param, ctx)


PLACE = Place()
