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
        joined[:, position * step : position * step + frames] += _part(clip, share, spec)
    return _sounding(joined[:, :total], spec)


def join_circle(spectrograms: Iterable[Tensor], total: int, spec: FeatureSpec) -> Tensor:
    """Fade clips [bins, frames] into each other on a circle of `total` frames, the last into the first: [bins, total].

    They begin at equal distances, half a clip or less, and each rises to its middle and falls from there.
    """
    clips = list(spectrograms)
    bins, frames = clips[0].shape
    rise = torch.sin(torch.pi * (torch.arange(frames) + 0.5) / frames).square()
    places = [(round(number * total / len(clips)) + torch.arange(frames)) % total for number in range(len(clips))]
    sums = torch.zeros(total)
    for place in places:
        sums.index_add_(0, place, rise)
    joined = torch.zeros(bins, total)
    for clip, place in zip(clips, places, strict=True):
        joined.index_add_(1, place, _part(clip, rise / sums[place], spec))
    return _sounding(joined, spec)


def clips_around(total: int, frames: int) -> int:
    """How many clips of `frames` frames a circle of `total` frames takes.

    >>> clips_around(88, 87), clips_around(89, 87)
    (2, 3)
    """
    return max(1, -(-total // stride(frames)))


def _part(clip: Tensor, share: Tensor, spec: FeatureSpec) -> Tensor:
    """A clip [bins, frames] as what can be summed, each frame with its share [frames] of the power."""
    if spec.kind in _SIGNED:
        return share.sqrt() * clip
    return share * ((2 * clip).exp() if spec.scale == "log" else clip.square())


def _sounding(summed: Tensor, spec: FeatureSpec) -> Tensor:
    """Sums of parts in the units of the spec."""
    if spec.kind in _SIGNED:
        return summed
    power = summed.clamp_min(torch.finfo(summed.dtype).tiny)
    return 0.5 * power.log() if spec.scale == "log" else power.sqrt()
