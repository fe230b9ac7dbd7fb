from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from genvae.metrics.novelty import SpectrogramIndex, band_spectrograms, overlapping

RATE = 22_050


def melodies(count: int, seconds: int, seed: int) -> NDArray[np.float32]:
    """Recordings [count, samples] of three voices: notes of random pitch, harmonics and length, each dying away."""
    generator = np.random.default_rng(seed)
    made = np.zeros((count, seconds * RATE + RATE), np.float32)
    for recording in made:
        for start in generator.integers(0, seconds * RATE, size=10 * seconds):
            times = np.arange(generator.integers(RATE // 10, RATE // 2)) / RATE
            pitch = 110 * 2 ** (generator.integers(0, 48) / 12)
            harmonics = generator.uniform(0, 1, size=6)[:, None] * np.sin(
                2 * np.pi * pitch * np.arange(1, 7)[:, None] * times
            )
            recording[start : start + len(times)] += 0.1 * harmonics.sum(axis=0) * np.exp(-8 * times)
    return made[:, : seconds * RATE] + 1e-3 * generator.standard_normal((count, seconds * RATE), np.float32)


@pytest.fixture(scope="module")
def recordings() -> NDArray[np.float32]:
    return melodies(6, 8, seed=0)


@pytest.fixture(scope="module")
def index(recordings: NDArray[np.float32]) -> SpectrogramIndex:
    return SpectrogramIndex(band_spectrograms(recordings.reshape(-1, RATE), RATE))


def test_a_replayed_clip_is_found_at_no_offset(recordings: NDArray[np.float32], index: SpectrogramIndex) -> None:
    found = index.match(band_spectrograms(recordings.reshape(-1, RATE)[[5, 17]], RATE))
    assert found.number.tolist() == [5, 17]
    assert found.score == pytest.approx([1, 1], abs=1e-4)
    assert found.offset == pytest.approx([0, 0])


@pytest.mark.parametrize("shift", [0.05, 0.31, 0.5, 0.77])
def test_a_clip_from_across_two_training_clips_is_found(
    shift: float, recordings: NDArray[np.float32], index: SpectrogramIndex
) -> None:
    starts = round(shift * RATE) + RATE * np.array([1, 3])
    clips = np.stack([recordings[number, start : start + RATE] for number, start in enumerate(starts)])
    found = index.match(band_spectrograms(clips, RATE))
    others = index.match(band_spectrograms(melodies(2, 4, seed=9).reshape(-1, RATE), RATE))
    assert found.score.min() > others.score.max() + 0.1
    for number, (which, offset) in enumerate(zip(found.number, found.offset, strict=True)):
        assert which // 8 == number
        # Where it lies in the recording: where the training clip does, and the offset later.
        assert which % 8 + offset == pytest.approx(starts[number] / RATE, abs=0.03)


def test_level_and_rate_do_not_hide_a_copy(recordings: NDArray[np.float32], index: SpectrogramIndex) -> None:
    import soxr

    copy = 0.05 * soxr.resample(recordings[2, :RATE], RATE, 2 * RATE).astype(np.float32)[None]
    found = index.match(band_spectrograms(copy, 2 * RATE))
    assert found.number.tolist() == [16]
    assert found.score[0] > 0.97


def test_silence_is_no_error(index: SpectrogramIndex) -> None:
    found = index.match(band_spectrograms(np.zeros((1, RATE), np.float32), RATE))
    assert np.isfinite(found.score).all()


def test_the_match_is_the_correlation_coefficient_of_the_overlap() -> None:
    generator = torch.Generator().manual_seed(0)
    known, asked = torch.randn(5, 3, 12, generator=generator), torch.randn(4, 3, 12, generator=generator)
    found = SpectrogramIndex(known).match(asked)
    mean = known.mean(dim=(0, 2), keepdim=True)
    for number, query in enumerate(asked - mean):
        best = -1.0
        for other in known - mean:
            for lag in range(-10, 11):  # half of 12 frames, and as many again as are left out at the ends
                mine = query[:, max(lag, 0) : 12 + min(lag, 0)].flatten()
                theirs = other[:, max(-lag, 0) : 12 + min(-lag, 0)].flatten()
                best = max(best, float(torch.corrcoef(torch.stack([mine, theirs]))[0, 1]))
        assert found.score[number] == pytest.approx(best, abs=1e-5)


def test_the_frames_that_overlap_are_summed() -> None:
    frames = torch.tensor([[1.0, 2.0, 4.0, 8.0]])
    assert overlapping(frames, torch.tensor([-2, 0, 1])).tolist() == [[3.0, 15.0, 14.0]]
