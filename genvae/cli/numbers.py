"""Numbers that options take, refused in plain words."""

from __future__ import annotations

import math
from typing import Any

import click


class Whole(click.IntRange):
    """A whole number in a range."""

    name = "whole number"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """As it stands in the help."""
        return "INTEGER"

    def _describe_range(self) -> str:
        return "" if self.min is None and self.max is None else super()._describe_range()  # click would say x<=None


class Number(click.FloatRange):
    """A finite number in a range."""

    name = "number"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """As it stands in the help."""
        return "NUMBER"

    def _describe_range(self) -> str:
        return "" if self.min is None and self.max is None else super()._describe_range()  # click would say x<=None

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """As click does, but infinity is no number, nor is what is none."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number
