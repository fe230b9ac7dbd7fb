"""Ways from spectrograms to waveforms: what they are called and what can be set, without the code that does it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import genvae
from genvae_plugins.peers import TORCHAUDIO, why_not

Start = Literal["ridges", "queue"]
"""Where rounds of projection start from: phase gradients integrated along ridges, or loudest first as in `pghi`."""


@dataclass(frozen=True, kw_only=True)
class GriffinLimOptions:
    """Options of the `griffin-lim` vocoder."""

    iterations: Annotated[int, genvae.Option("rounds of projection", least=0, most=100000)] = 32
    momentum: Annotated[
        float,
        genvae.Option(
            "how far each round goes beyond its projection; 0 is the method of 1984",
            least=0,
        ),
    ] = 0.99


@dataclass(frozen=True, kw_only=True)
class TorchaudioGriffinLimOptions:
    """Options of the `torchaudio-griffin-lim` vocoder."""

    iterations: Annotated[int, genvae.Option("rounds of projection", least=0, most=100000)] = 32
    momentum: Annotated[float, genvae.Option("how far each round goes beyond its projection", least=0, below=1)] = 0.99


@dataclass(frozen=True, kw_only=True)
class PghiOptions:
    """Options of the `pghi` vocoder."""

    tolerance: Annotated[
        float,
        genvae.Option(
            "bins below this part of the clip's largest magnitude get random phases",
            above=0,
            below=1,
        ),
    ] = 1e-4


@dataclass(frozen=True, kw_only=True)
class PghiRefinedOptions:
    """Options of the `pghi-refined` vocoder, whose rounds each find half of the frames after the other half."""

    start: Annotated[Start, genvae.Option("how the phase gradient is integrated")] = "ridges"
    iterations: Annotated[int, genvae.Option("rounds of projection", least=0, most=100000)] = 8
    momentum: Annotated[
        float,
        genvae.Option(
            "how far a round goes beyond its projection, in addition to what finding the frames by halves gives",
            least=0,
        ),
    ] = 0.5


@dataclass(frozen=True, kw_only=True)
class PghiPolishedOptions(PghiRefinedOptions):
    """Options of the `pghi-polished` vocoder."""

    iterations: Annotated[int, genvae.Option("rounds of projection before the network", least=0, most=100000)] = 4
    width: Annotated[int, genvae.Option("channels of the network", least=1, most=8192)] = 192
    depth: Annotated[int, genvae.Option("blocks of the network", least=0, most=64)] = 3
    learning_rate: Annotated[float, genvae.Option("of AdamW", above=0)] = 4e-4


@dataclass(frozen=True, kw_only=True)
class RaarOptions:
    """Options of the `raar` vocoder."""

    start: Annotated[Start, genvae.Option("how the phase gradient is integrated")] = "ridges"
    iterations: Annotated[int, genvae.Option("rounds of projection", least=0, most=100000)] = 500
    beta: Annotated[
        float,
        genvae.Option(
            "how far the rounds trust their reflections; in the last fifth of them it falls to 0.5",
            above=0,
            most=1,
        ),
    ] = 0.97


@dataclass(frozen=True, kw_only=True)
class AdmmOptions:
    """Options of the `admm` vocoder."""

    start: Annotated[Start, genvae.Option("how the phase gradient is integrated")] = "ridges"
    iterations: Annotated[int, genvae.Option("rounds of projection", least=0, most=100000)] = 32
    rho: Annotated[
        float,
        genvae.Option(
            "how far the rounds trust magnitudes that no sound has; 0 wants them exact, 1 is Griffin-Lim",
            least=0,
        ),
    ] = 0.4


@genvae.hookimpl
def genvae_vocoders() -> Iterator[genvae.VocoderPlugin]:
    """Declare the vocoders that come with genvae."""
    yield genvae.VocoderPlugin(
        name="griffin-lim",
        summary="Fast Griffin-Lim phase reconstruction.",
        factory="genvae_plugins.vocoders.griffin_lim:GriffinLim",
        options=GriffinLimOptions,
    )
    yield genvae.VocoderPlugin(
        name="pghi-refined",
        summary="Phase gradient integration, then a few rounds of Griffin-Lim by turns.",
        factory="genvae_plugins.vocoders.refined:PghiRefined",
        options=PghiRefinedOptions,
    )
    yield genvae.VocoderPlugin(
        name="pghi-polished",
        summary="pghi-refined, and a network that has learnt what becomes of a run's magnitudes.",
        factory="genvae_plugins.vocoders.polished:PghiPolished",
        options=PghiPolishedOptions,
        suggests={"train.batch_size": 16, "train.ema": 0.999, "train.schedule": "trapezoid"},
        learns=True,
    )
    yield genvae.VocoderPlugin(
        name="pghi",
        summary="Phase gradient heap integration in one pass.",
        factory="genvae_plugins.vocoders.pghi:Pghi",
        options=PghiOptions,
    )
    yield genvae.VocoderPlugin(
        name="spsi",
        summary="Single pass spectrogram inversion.",
        factory="genvae_plugins.vocoders.spsi:Spsi",
    )
    yield genvae.VocoderPlugin(
        name="raar",
        summary="Relaxed averaged alternating reflections: slow, for the closest magnitudes.",
        factory="genvae_plugins.vocoders.refined:Raar",
        options=RaarOptions,
    )
    yield genvae.VocoderPlugin(
        name="admm",
        summary="Alternating direction method of multipliers.",
        factory="genvae_plugins.vocoders.refined:Admm",
        options=AdmmOptions,
    )
    yield genvae.VocoderPlugin(
        name="zero-phase",
        summary="All phases zero: the floor to compare with.",
        factory="genvae_plugins.vocoders.zero_phase:ZeroPhase",
    )
    yield genvae.VocoderPlugin(
        name="istft",
        summary="Inverse Fourier transform of complex spectrograms.",
        factory="genvae_plugins.vocoders.istft:Istft",
    )
    yield genvae.VocoderPlugin(
        name="torchaudio-griffin-lim",
        summary="torchaudio's fast Griffin-Lim.",
        factory="genvae_plugins.vocoders.torchaudio_griffin_lim:TorchaudioGriffinLim",
        options=TorchaudioGriffinLimOptions,
        unavailable=partial(why_not, *TORCHAUDIO),
    )
    yield genvae.VocoderPlugin(
        name="identity",
        summary="Takes waveforms as they are, for models that make samples.",
        factory="genvae_plugins.vocoders.identity:Identity",
    )
