"""Blocks that go when the next comes hold the same sound as those that stay, and no mono stream lets one out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from genvae.audio.mono import MonoStream
from genvae.audio.open import open_sound

RATE = 8000


@pytest.fixture(params=[("WAV", "PCM_16"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")], ids="-".join)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Six seconds of noise: more than a block, and no whole number of them."""
    kind, subtype = request.param
    noise = np.random.default_rng(0).standard_normal((6 * RATE + 17, 2)) * 0.1
    made = tmp_path / f"a.{kind.lower()}"
    soundfile.write(made, noise, RATE, format=kind, subtype=subtype)
    return made


def test_they_hold_what_the_others_do(path: Path) -> None:
    with open_sound(path) as stream:
        staying = np.concatenate(list(stream.blocks(1 << 13)))
    with open_sound(path) as stream:
        fleeting = [block.copy() for block in stream.fleeting_blocks(1 << 13)]  # type: ignore[attr-defined]
    assert len(fleeting) > 2
    np.testing.assert_array_equal(np.concatenate(fleeting), staying)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [RATE, 6000])
def test_what_a_mono_stream_gave_stays(tmp_path: Path, channels: int, rate: int) -> None:
    noise = np.random.default_rng(0).standard_normal((9 * RATE, channels)) * 0.1
    soundfile.write(tmp_path / "a.wav", noise, RATE, subtype="PCM_16")
    with open_sound(tmp_path / "a.wav") as stream:
        given, copies = [], []
        for block in MonoStream(stream, sample_rate=rate):
            given.append(block)
            copies.append(block.copy())
    np.testing.assert_array_equal(np.concatenate(given), np.concatenate(copies))
    if rate == RATE:
        whole, _ = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)
        np.testing.assert_array_equal(np.concatenate(given), whole.sum(axis=1) / np.float32(channels))
