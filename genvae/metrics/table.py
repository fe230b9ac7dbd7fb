"""What an evaluation found, as one object: a dict of every number that prints as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genvae.metrics.report import Table


class EvaluationTable(dict[str, Any]):
    """Every number of an evaluation, as plain values by name; printed, the tables that people read.

    Args:
        values: the numbers, as `genvae evaluate --json` writes them.
        tables: what is shown of them.

    Attributes:
        tables: title, heads and rows of each.
    """

    def __init__(self, values: dict[str, Any], tables: Sequence[Table]) -> None:
        super().__init__(values)
        self.tables = list(tables)

    def __str__(self) -> str:
        """The tables as text, a row a line."""
        return "\n\n".join(_text(table) for table in self.tables)

    __repr__ = __str__  # a notebook and a prompt show what a table is for


def _text(table: Table) -> str:
    rows = [list(table.heads), *(list(row) for row in table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join([table.title, *lines])
