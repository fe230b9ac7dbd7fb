"""Joins spectrograms of clips into a longer one, so that a vocoder makes one sound of it that has no seams."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from genvae.spec import FeatureSpec

_SIGNED = ("complex", "waveform")


def stride(frames: int) -> int:
    """Frames from the start of one clip to that of the next, for clips of `frames` frames: they overlap by half."""
    return (frames + 1) // 2


def clips_for(total: int, frames: int) -> int:
    """How many clips of `frames` frames cover `total` frames.

    >>> stride(87), clips_for(87, 87), clips_for(88, 87), clips_for(87 + 44, 87), clips_for(87 + 45, 87)
    (44, 1, 2, 2, 3)
    """
    return max(1, 1 + -(-(total - frames) // stride(frames)))


def join(spectrograms: Iterable[Tensor], total: int, spec: FeatureSpec) -> Tensor:
    """Fade clips [bins, frames] into each other over their overlaps -> [bins, total].

    Magnitudes are faded in power, so that the level holds whether the two agree or not: nothing beats or cancels, as
    waveforms of the same pitch and different phase do. Spectra and waveforms, which have a sign, are faded with equal
    power. The frames at a clip's ends, whose windows reach out of it, hardly count.

    Args:
        spectrograms: as many as `clips_for` says, alike in shape.
        total: frames.
        spec: what they mean.
    """
    signed = spec.kind in _SIGNED
    clips = list(spectrograms)
    bins, frames = clips[0].shape
    step = stride(frames)
    overlap = frames - step
    rise = torch.sin(torch.pi / 2 * (torch.arange(overlap) + 0.5) / max(overlap, 1)).square()  # falls as 1 - rise
    joined = torch.zeros(bins, (len(clips) - 1) * step + frames)
    for position, clip in enumerate(clips):
        share = torch.ones(frames)
        if position > 0:
            share[:overlap] = rise
        if position < len(clips) - 1:
            share[frames - overlap :] = 1 - rise
        power = (2 * clip).exp() if spec.scale == "log" else clip.square()
        part = share.sqrt() * clip if signed else share * power
        joined[:, position * step : position * step + frames] += part
    joined = joined[:, :total]
    if signed:
        return joined
    power = joined.clamp_min(torch.finfo(joined.dtype).tiny)
    return 0.5 * power.log() if spec.scale == "log" else power.sqrt()
