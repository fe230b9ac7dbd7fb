"""Declares the vocoder `rtisi`; imported whenever genvae lists plugins, so torch stays out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import genvae


@dataclass(frozen=True, kw_only=True)
class RtisiOptions:
    """Options of `rtisi`.

    look_ahead: frames that are waited for before one is given out. iterations: rounds for each new frame.
    """

    look_ahead: int = 3
    iterations: int = 8

    def __post_init__(self) -> None:
        if min(self.look_ahead, self.iterations) < 0:
            raise ValueError("look_ahead and iterations must not be negative.")


@genvae.hookimpl
def genvae_vocoders() -> Iterator[genvae.VocoderPlugin]:
    """Declare the vocoder."""
    yield genvae.VocoderPlugin(
        name="rtisi",
        summary="Phases frame by frame with a look-ahead, as a stream (RTISI-LA).",
        factory="genvae_rtisi.vocoder:Rtisi",
        options=RtisiOptions,
    )
