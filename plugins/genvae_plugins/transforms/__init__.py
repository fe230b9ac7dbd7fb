"""Front ends from waveforms to features."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import genvae
from genvae_plugins.peers import NNAUDIO, TORCHAUDIO, why_not


@dataclass(frozen=True, kw_only=True)
class StftOptions:
    """Options of the `stft` transform."""

    n_fft: Annotated[int, genvae.Option("samples in a windowed frame, even", least=4, most=65536)] = 1024
    hop: Annotated[int, genvae.Option("samples between frames", least=1, most=32768)] = 256
    window: Annotated[Literal["hann", "hamming", "blackman"], genvae.Option("the window's shape")] = "hann"
    range_db: Annotated[
        float,
        genvae.Option(
            "how far below a full-scale sine the quietest sound that counts lies",
            above=0,
            most=200,
        ),
    ] = 100.0
    scaling: Annotated[
        Literal["standard", "unit"],
        genvae.Option(
            "`standard` takes the mean of each bin away and divides all by one standard deviation; "
            "`unit` brings the whole to 0..1",
        ),
    ] = "standard"

    def __post_init__(self) -> None:
        """Raise ValueError for what no range says."""
        if self.n_fft % 2:
            raise ValueError(f"n_fft must be even, not {self.n_fft}.")
        if self.hop > self.n_fft // 2:
            raise ValueError(f"hop must be at most half of n_fft ({self.n_fft // 2}), not {self.hop}.")


@dataclass(frozen=True, kw_only=True)
class MelOptions(StftOptions):
    """Options of the `mel` transform, beside those of `stft`."""

    n_mels: Annotated[int, genvae.Option("bands", least=1, most=4096)] = 80
    f_min: Annotated[float, genvae.Option("where the lowest begins, in Hz", least=0)] = 0.0
    f_max: Annotated[
        float | None,
        genvae.Option(
            "where the highest ends, in Hz; by default half of the sample rate",
            above=0,
        ),
    ] = None
    formula: Annotated[
        Literal["slaney", "htk"],
        genvae.Option(
            "the mel scale, of Slaney's Auditory Toolbox or of HTK",
        ),
    ] = "slaney"
    norm: Annotated[
        Literal["area", "peak"],
        genvae.Option(
            "`area` divides each filter by half its width in Hz, `peak` leaves its top at 1",
        ),
    ] = "area"


@dataclass(frozen=True, kw_only=True)
class CqtOptions(StftOptions):
    """Options of `cqt`, beside those of `stft`; n_fft is that of the magnitudes that the inverse gives."""

    bins: Annotated[int, genvae.Option("of the transform", least=1, most=4096)] = 84
    bins_per_octave: Annotated[int, genvae.Option("12 for one a semitone", least=1, most=960)] = 12
    f_min: Annotated[
        float,
        genvae.Option(
            "frequency of the lowest, in Hz; the default is the note C1",
            least=1,
        ),
    ] = 32.703196


@dataclass(frozen=True, kw_only=True)
class ComplexOptions(StftOptions):
    """Options of the `complex` transform, beside those of `stft`."""

    representation: Annotated[
        Literal["real-imaginary", "magnitude-phase"],
        genvae.Option(
            "`real-imaginary`, or `magnitude-phase` (log magnitudes, to which range_db applies, and phases)",
        ),
    ] = "real-imaginary"


@dataclass(frozen=True, kw_only=True)
class NnAudioStftOptions(StftOptions):
    """Options of `nnaudio-stft`, beside those of `stft`."""

    trainable: Annotated[bool, genvae.Option("whether the kernels are parameters")] = False


@dataclass(frozen=True, kw_only=True)
class NnAudioMelOptions(MelOptions):
    """Options of `nnaudio-mel`, beside those of `mel`."""

    trainable: Annotated[bool, genvae.Option("whether the kernels and the filters are parameters")] = False


@dataclass(frozen=True, kw_only=True)
class NnAudioCqtOptions(CqtOptions):
    """Options of `nnaudio-cqt`, beside those of `cqt`."""

    trainable: Annotated[bool, genvae.Option("whether the kernels are parameters")] = False


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
