"""Declares the embedders that genvae's own evaluation rests on; their code is the engine's, their door anybody's."""

from __future__ import annotations

from collections.abc import Iterator

import genvae


@genvae.hookimpl
def genvae_embedders() -> Iterator[genvae.EmbedderPlugin]:
    """Declare the embedders that come with genvae."""
    yield genvae.EmbedderPlugin(
        name="statistics",
        summary="Signal statistics, each in its unit: it has learnt nothing, and says what it hears.",
        factory="genvae.metrics.statistics:SignalStatistics",
    )
    yield genvae.EmbedderPlugin(
        name="embedder",
        summary="A small network that was trained to hear genres and spoilt sound.",
        factory="genvae.metrics.embedder:ShippedEmbedder",
    )
