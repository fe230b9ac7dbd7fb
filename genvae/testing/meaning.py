"""What a FeatureSpec means, computed from its definition alone, for checks to compare with."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from genvae import windows
from genvae.spec import FeatureSpec


def features_of(wave: Tensor, spec: FeatureSpec) -> Tensor | None:
    """Waveforms [B, samples] -> what a spec says of them, [B, bins, frames]; None for kinds that need a filter bank."""
    if spec.kind == "waveform":
        return wave.unsqueeze(1)
    if spec.kind not in ("magnitude", "complex") or spec.window not in windows.NAMES:
        return None
    padded = torch.nn.functional.pad(wave.double(), (spec.n_fft // 2, spec.n_fft))
    frames = padded.unfold(1, spec.n_fft, spec.hop)[:, : spec.frames(wave.shape[1])]  # [B, frames, n_fft]
    spectrum: Tensor = torch.fft.rfft(frames * windows.of(spec).double()).transpose(1, 2)  # [B, n_fft / 2 + 1, frames]
    if spec.kind == "complex":
        return torch.cat([spectrum.real, spectrum.imag], dim=1)
    return spectrum.abs().clamp_min(1e-12).log() if spec.scale == "log" else spectrum.abs()


def levels(values: Tensor, spec: FeatureSpec) -> Tensor:
    """Values in the units of a spec -> magnitudes, [B, bins, frames]; of complex ones with half the bins."""
    if spec.kind == "complex":
        real, imaginary = values.chunk(2, dim=1)
        return torch.hypot(real, imaginary)
    return values.exp() if spec.scale == "log" else values.abs()


def frequencies(spec: FeatureSpec) -> Tensor | None:
    """The frequency of each bin's middle in Hz, [bins]; None for samples."""
    if spec.kind in ("magnitude", "complex"):
        return torch.arange(spec.n_fft // 2 + 1) * spec.sample_rate / spec.n_fft
    if spec.f_min is None or spec.f_max is None:
        return None
    if spec.kind == "cqt":
        return torch.logspace(math.log10(spec.f_min), math.log10(spec.f_max), spec.bins)
    if spec.kind == "mel":
        edges = torch.linspace(_mel(spec.f_min, spec), _mel(spec.f_max, spec), spec.bins + 2)
        return torch.tensor([_hertz(float(mel), spec) for mel in edges[1:-1]])
    return None


def _mel(hertz: float, spec: FeatureSpec) -> float:
    """The mel scale of HTK (O'Shaughnessy 1987), or of Slaney's Auditory Toolbox (1998): linear below 1 kHz."""
    if spec.mel == "htk":
        return 2595 * math.log10(1 + hertz / 700)
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def _hertz(mel: float, spec: FeatureSpec) -> float:
    if spec.mel == "htk":
        return float(700 * (10 ** (mel / 2595) - 1))
    return mel * 200 / 3 if mel < 15 else 1000 * math.exp((mel - 15) * math.log(6.4) / 27)
