"""Declares numbers that say something of a set of clips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import genvae


@dataclass(frozen=True, kw_only=True)
class DuplicatesOptions:
    """Options of `duplicates`."""

    alike: Annotated[float, genvae.Option("correlation from which two clips are the same", above=0, most=1)] = 0.95


@genvae.hookimpl
def genvae_metrics() -> Iterator[genvae.MetricPlugin]:
    """Declare the metrics that come with genvae."""
    yield genvae.MetricPlugin(
        name="duplicates",
        summary="Share of the clips that sound all but the same as another one of their genre.",
        factory="genvae_plugins.metrics.duplicates:Duplicates",
        options=DuplicatesOptions,
    )
