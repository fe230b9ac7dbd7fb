"""Declares the vocoder `rtisi`; imported whenever genvae lists plugins, so torch stays out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import genvae


@dataclass(frozen=True, kw_only=True)
class RtisiOptions:
    """Options of `rtisi`."""

    look_ahead: Annotated[
        int, genvae.Option("frames that are waited for before one is given out", least=0, most=1000)
    ] = 3
    iterations: Annotated[int, genvae.Option("rounds for each new frame", least=0, most=10_000)] = 8


@genvae.hookimpl
def genvae_vocoders() -> Iterator[genvae.VocoderPlugin]:
    """Declare the vocoder."""
    yield genvae.VocoderPlugin(
        name="rtisi",
        summary="Phases frame by frame with a look-ahead, as a stream (RTISI-LA).",
        factory="genvae_rtisi.vocoder:Rtisi",
        options=RtisiOptions,
    )
