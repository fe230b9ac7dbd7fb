"""Front ends from waveforms to features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import genvae
from genvae_plugins.peers import NNAUDIO, TORCHAUDIO, why_not


@dataclass(frozen=True, kw_only=True)
class StftOptions:
    """Options of the `stft` transform.

    Attributes:
        n_fft: samples in a windowed frame, even.
        hop: samples between frames.
        window: the window's shape.
        range_db: how far below a full-scale sine the quietest sound that counts lies.
        scaling: `standard` takes the mean of each bin away and divides all by one standard deviation; `unit` brings the
            whole to 0..1.
    """

    n_fft: int = 1024
    hop: int = 256
    window: Literal["hann", "hamming", "blackman"] = "hann"
    range_db: float = 100.0
    scaling: Literal["standard", "unit"] = "standard"

    def __post_init__(self) -> None:
        if self.n_fft < 4 or self.n_fft % 2:
            raise ValueError(f"n_fft must be even and at least 4, not {self.n_fft}.")
        if not 1 <= self.hop <= self.n_fft // 2:
            raise ValueError(f"hop must lie between 1 and half of n_fft ({self.n_fft // 2}), not {self.hop}.")
        if not 0 < self.range_db <= 200:
            raise ValueError(f"range_db must lie above 0 and not above 200, not {self.range_db}.")


@dataclass(frozen=True, kw_only=True)
class MelOptions(StftOptions):
    """Options of the `mel` transform, beside those of `stft`.

    Attributes:
        n_mels: bands.
        f_min: where the lowest begins, in Hz.
        f_max: where the highest ends, in Hz; by default half of the sample rate.
        formula: the mel scale, of Slaney's Auditory Toolbox or of HTK.
        norm: `area` divides each filter by half its width in Hz, `peak` leaves its top at 1.
    """

    n_mels: int = 80
    f_min: float = 0.0
    f_max: float | None = None
    formula: Literal["slaney", "htk"] = "slaney"
    norm: Literal["area", "peak"] = "area"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_mels < 1:
            raise ValueError(f"n_mels must be at least 1, not {self.n_mels}.")
        if not 0 <= self.f_min < float("inf"):
            raise ValueError(f"f_min must not be negative, but is {self.f_min}.")


@dataclass(frozen=True, kw_only=True)
class CqtOptions(StftOptions):
    """Options of the `cqt` transform, beside those of `stft`; n_fft is that of the magnitudes that the inverse gives.

    Attributes:
        bins: of the transform.
        bins_per_octave: 12 for one a semitone.
        f_min: frequency of the lowest, in Hz; the default is the note C1.
    """

    bins: int = 84
    bins_per_octave: int = 12
    f_min: float = 32.703196

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bins < 1 or self.bins_per_octave < 1:
            raise ValueError("bins and bins_per_octave must be at least 1.")
        if not 1 <= self.f_min < float("inf"):
            raise ValueError(f"f_min must be at least 1 Hz, but is {self.f_min}.")


@dataclass(frozen=True, kw_only=True)
class ComplexOptions(StftOptions):
    """Options of the `complex` transform, beside those of `stft`.

    Attributes:
        representation: `real-imaginary`, or `magnitude-phase` (log magnitudes, to which range_db applies, and phases).
    """

    representation: Literal["real-imaginary", "magnitude-phase"] = "real-imaginary"


@dataclass(frozen=True, kw_only=True)
class NnAudioStftOptions(StftOptions):
    """Options of `nnaudio-stft`, beside those of `stft`.

    Attributes:
        trainable: whether the kernels are parameters.
    """

    trainable: bool = False


@dataclass(frozen=True, kw_only=True)
class NnAudioMelOptions(MelOptions):
    """Options of `nnaudio-mel`, beside those of `mel`.

    Attributes:
        trainable: whether the kernels and the filters are parameters.
    """

    trainable: bool = False


@dataclass(frozen=True, kw_only=True)
class NnAudioCqtOptions(CqtOptions):
    """Options of `nnaudio-cqt`, beside those of `cqt`.

    Attributes:
        trainable: whether the kernels are parameters.
    """

    trainable: bool = False


@genvae.hookimpl
def genvae_transforms() -> Iterator[genvae.TransformPlugin]:
    """Declare the transforms that come with genvae."""
    yield genvae.TransformPlugin(
        name="stft",
        summary="Log magnitudes of the short-time Fourier transform.",
        factory="genvae_plugins.transforms.stft:Stft",
        options=StftOptions,
        differentiable=True,
    )
    yield genvae.TransformPlugin(
        name="mel",
        summary="Log magnitudes in mel bands; vocoders get magnitudes by non-negative least squares.",
        factory="genvae_plugins.transforms.mel:Mel",
        options=MelOptions,
        differentiable=True,
    )
    yield genvae.TransformPlugin(
        name="cqt",
        summary="Log magnitudes of the constant-Q transform; the way back to magnitudes is approximate.",
        factory="genvae_plugins.transforms.cqt:Cqt",
        options=CqtOptions,
        differentiable=True,
    )
    yield genvae.TransformPlugin(
        name="complex",
        summary="Complex spectra as real and imaginary parts or magnitudes and phases; for the vocoder istft.",
        factory="genvae_plugins.transforms.complex:Complex",
        options=ComplexOptions,
        differentiable=True,
    )
    yield genvae.TransformPlugin(
        name="waveform",
        summary="The samples themselves, for models that work on them and the vocoder identity.",
        factory="genvae_plugins.transforms.waveform:Waveform",
        differentiable=True,
    )
    why_no_torchaudio = partial(why_not, *TORCHAUDIO)
    yield genvae.TransformPlugin(
        name="torchaudio-stft",
        summary="The features of stft, computed by torchaudio.",
        factory="genvae_plugins.transforms.torchaudio:TorchaudioStft",
        options=StftOptions,
        differentiable=True,
        unavailable=why_no_torchaudio,
    )
    yield genvae.TransformPlugin(
        name="torchaudio-mel",
        summary="The features of mel, computed by torchaudio.",
        factory="genvae_plugins.transforms.torchaudio:TorchaudioMel",
        options=MelOptions,
        differentiable=True,
        unavailable=why_no_torchaudio,
    )
    why_no_nnaudio = partial(why_not, *NNAUDIO)
    yield genvae.TransformPlugin(
        name="nnaudio-stft",
        summary="The features of stft as convolutions, with kernels that can be trained, by nnAudio.",
        factory="genvae_plugins.transforms.nnaudio:NnAudioStft",
        options=NnAudioStftOptions,
        differentiable=True,
        unavailable=why_no_nnaudio,
    )
    yield genvae.TransformPlugin(
        name="nnaudio-mel",
        summary="The features of mel as convolutions, with kernels that can be trained, by nnAudio.",
        factory="genvae_plugins.transforms.nnaudio:NnAudioMel",
        options=NnAudioMelOptions,
        differentiable=True,
        unavailable=why_no_nnaudio,
    )
    yield genvae.TransformPlugin(
        name="nnaudio-cqt",
        summary="The features of cqt as convolutions, with kernels that can be trained, by nnAudio.",
        factory="genvae_plugins.transforms.nnaudio:NnAudioCqt",
        options=NnAudioCqtOptions,
        differentiable=True,
        unavailable=why_no_nnaudio,
    )
