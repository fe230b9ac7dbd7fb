from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soxr

from genvae.errors import GenvaeError
from genvae.metrics.embedder import WEIGHTS, ShippedEmbedder, Waves, default_embedder
from genvae.metrics.spectrogram import SAMPLE_RATE, mel_filters


@pytest.fixture(scope="module")
def waves() -> Waves:
    generator = np.random.default_rng(0)
    times = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    pitches = generator.uniform(100, 2000, (6, 1))
    return (0.2 * np.sin(2 * np.pi * pitches * times) + 0.01 * generator.standard_normal((6, len(times)))).astype(
        np.float32
    )


def test_its_name_has_a_version_and_a_digest_and_it_is_small() -> None:
    assert re.fullmatch(r"genvae-embedder \d+ \([0-9a-f]{8}\)", default_embedder().name)
    assert WEIGHTS.stat().st_size < 2e6


def test_level_plays_no_part(waves: Waves) -> None:
    embedder = default_embedder()
    assert np.abs(embedder.embed(0.01 * waves) - embedder.embed(waves)).max() < 1e-3


def test_another_rate_is_heard_alike(waves: Waves) -> None:
    embedder = default_embedder()
    points = embedder.embed(waves)
    faster = np.ascontiguousarray(soxr.resample(waves.T, SAMPLE_RATE, 44_100).T)
    moved = np.linalg.norm(embedder.embed_at(faster, 44_100) - points, axis=1)
    apart = np.linalg.norm(points[:, None] - points, axis=2)[np.triu_indices(len(points), 1)]
    assert moved.max() < 0.5 * apart.min()


def test_a_clip_does_not_depend_on_those_beside_it(waves: Waves) -> None:
    embedder = default_embedder()
    assert embedder.embed(waves[2:3])[0] == pytest.approx(embedder.embed(waves)[2], abs=1e-4)


def test_silence_and_short_clips_have_finite_points() -> None:
    assert np.isfinite(default_embedder().embed(np.zeros((1, SAMPLE_RATE), np.float32))).all()
    assert default_embedder().embed(np.full((2, 900), 0.1, np.float32)).shape == (2, 256)


def test_damaged_weights_are_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "embedder.safetensors").write_bytes(b"nothing")
    with pytest.raises(GenvaeError, match="damaged"):
        ShippedEmbedder(path=tmp_path / "embedder.safetensors")


@pytest.mark.parametrize(("n_fft", "bands"), [(1280, 64), (2048, 96)])
def test_the_filters_share_out_every_frequency_between_the_first_and_last_peak(n_fft: int, bands: int) -> None:
    filters = mel_filters(n_fft, bands)
    sums, peaks = filters.sum(dim=0).numpy(), filters.argmax(dim=1)
    assert sums[int(peaks[0]) + 1 : int(peaks[-1])] == pytest.approx(1, abs=1e-4)
