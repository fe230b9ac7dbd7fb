"""Ways from spectrograms to waveforms: what they are called and what can be set, without the code that does it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import genvae
from genvae_plugins.peers import TORCHAUDIO, why_not

Start = Literal["ridges", "queue"]
"""Where rounds of projection start from: phase gradients integrated along ridges, or loudest first as in `pghi`."""


def _check(iterations: int, momentum: float = 0.0, most: float = float("inf")) -> None:
    if iterations < 0:
        raise ValueError(f"iterations must not be negative, but is {iterations}.")
    if not 0 <= momentum < most:
        limit = "" if most == float("inf") else f" and must be below {most:g}"
        raise ValueError(f"momentum must not be negative{limit}, but is {momentum}.")


@dataclass(frozen=True, kw_only=True)
class GriffinLimOptions:
    """Options of the `griffin-lim` vocoder.

    Attributes:
        iterations: rounds of projection.
        momentum: how far each round goes beyond its projection; 0 is the method of 1984.
    """

    iterations: int = 32
    momentum: float = 0.99

    def __post_init__(self) -> None:
        _check(self.iterations, self.momentum)


@dataclass(frozen=True, kw_only=True)
class TorchaudioGriffinLimOptions:
    """Options of the `torchaudio-griffin-lim` vocoder.

    Attributes:
        iterations: rounds of projection.
        momentum: how far each round goes beyond its projection, below 1.
    """

    iterations: int = 32
    momentum: float = 0.99

    def __post_init__(self) -> None:
        _check(self.iterations, self.momentum, most=1.0)


@dataclass(frozen=True, kw_only=True)
class PghiOptions:
    """Options of the `pghi` vocoder.

    Attributes:
        tolerance: bins below this part of the clip's largest magnitude get random phases.
    """

    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise ValueError(f"tolerance must lie between 0 and 1, but is {self.tolerance}.")


@dataclass(frozen=True, kw_only=True)
class PghiRefinedOptions:
    """Options of the `pghi-refined` vocoder, whose rounds each find half of the frames after the other half.

    Attributes:
        start: how the phase gradient is integrated, `ridges` or `queue`.
        iterations: rounds of projection.
        momentum: how far a round goes beyond its projection, in addition to what finding the frames by halves gives.
    """

    start: Start = "ridges"
    iterations: int = 8
    momentum: float = 0.5

    def __post_init__(self) -> None:
        _check(self.iterations, self.momentum)


@dataclass(frozen=True, kw_only=True)
class RaarOptions:
    """Options of the `raar` vocoder.

    Attributes:
        start: how the phase gradient is integrated, `ridges` or `queue`.
        iterations: rounds of projection.
        beta: how far the rounds trust their reflections, up to 1; in the last fifth of them it falls to 0.5.
    """

    start: Start = "ridges"
    iterations: int = 500
    beta: float = 0.97

    def __post_init__(self) -> None:
        _check(self.iterations)
        if not 0 < self.beta <= 1:
            raise ValueError(f"beta must be above 0 and at most 1, but is {self.beta}.")


@dataclass(frozen=True, kw_only=True)
class AdmmOptions:
    """Options of the `admm` vocoder.

    Attributes:
        start: how the phase gradient is integrated, `ridges` or `queue`.
        iterations: rounds of projection.
        rho: how far the rounds trust magnitudes that no sound has; 0 wants them exact, 1 is Griffin-Lim.
    """

    start: Start = "ridges"
    iterations: int = 32
    rho: float = 0.4

    def __post_init__(self) -> None:
        _check(self.iterations)
        if not self.rho >= 0:
            raise ValueError(f"rho must not be negative, but is {self.rho}.")


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
