"""Declares the embedders that genvae's own evaluation rests on, whose code is the engine's, and a published one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import genvae
from genvae_plugins.peers import TORCHAUDIO, why_not


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
    yield genvae.EmbedderPlugin(
        name="musicnn",
        summary="A published music tagger: an ear that genvae had no part in making.",
        factory="genvae_plugins.embedders.musicnn:Musicnn",
        unavailable=partial(why_not, *TORCHAUDIO),
    )
