from __future__ import annotations

import pytest
import torch

from genvae.spec import FeatureSpec, Kind, Scale
from genvae.synthesis.crossfade import clips_for, join, stride


def spec(kind: Kind, scale: Scale) -> FeatureSpec:
    return FeatureSpec(kind=kind, bins=5, sample_rate=8000, n_fft=8, hop=4, window="hann", scale=scale)


@pytest.mark.parametrize(("kind", "scale"), [("magnitude", "log"), ("mel", "log"), ("magnitude", "linear")])
@pytest.mark.parametrize(("frames", "total"), [(10, 10), (10, 11), (11, 40), (7, 3)])
def test_clips_that_are_alike_join_to_the_same(kind: Kind, scale: Scale, frames: int, total: int) -> None:
    clip = torch.full((5, frames), 0.7)
    joined = join([clip] * clips_for(total, frames), total, spec(kind, scale))
    torch.testing.assert_close(joined, torch.full((5, total), 0.7))


def test_there_are_as_many_clips_as_cover_the_whole() -> None:
    for frames in (2, 7, 86, 87):
        for total in range(frames, 6 * frames):
            count = clips_for(total, frames)
            assert (count - 1) * stride(frames) + frames >= total
            assert count == 1 or (count - 2) * stride(frames) + frames < total


@pytest.mark.parametrize(("kind", "scale"), [("magnitude", "log"), ("complex", "linear"), ("waveform", "linear")])
def test_the_power_of_noise_holds_over_a_seam(kind: Kind, scale: Scale) -> None:
    frames, count = 40, 3
    noise = torch.randn(count, 20000, frames, generator=torch.Generator().manual_seed(0))
    clips = noise.abs().log() if scale == "log" else noise
    total = (count - 1) * stride(frames) + frames
    joined = join(clips, total, spec(kind, scale))
    power = (2 * joined).exp() if scale == "log" else joined.square()
    torch.testing.assert_close(power.mean(dim=0), torch.ones(total), rtol=0.05, atol=0.0)


def test_the_first_and_the_last_frames_are_the_clips_own() -> None:
    clips = torch.randn(2, 5, 10, generator=torch.Generator().manual_seed(0))
    joined = join(clips, 15, spec("magnitude", "log"))
    torch.testing.assert_close(joined[:, :5], clips[0, :, :5])
    torch.testing.assert_close(joined[:, 10:], clips[1, :, 5:])
