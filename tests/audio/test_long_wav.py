"""Wav files of more than 4 GiB, whose sizes have begun at zero again; here they do so at 64 KiB."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from genvae.audio import headers
from genvae.audio.read import read_mono

RATE, WRAPS = 8000, 1 << 16


@pytest.fixture
def samples() -> np.ndarray:
    return np.random.default_rng(0).integers(-20000, 20000, 100_000).astype(np.int16)


def wrapped(path: Path, samples: np.ndarray, behind: bytes = b"") -> Path:
    soundfile.write(path, samples, RATE, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    assert content[36:40] == b"data"
    content[40:44] = (2 * len(samples) % WRAPS).to_bytes(4, "little")
    content[4:8] = ((len(content) - 8 + len(behind)) % WRAPS).to_bytes(4, "little")
    path.write_bytes(bytes(content) + behind)
    return path


@pytest.mark.parametrize("behind", [b"", b"LIST" + (4).to_bytes(4, "little") + b"INFO"])
def test_all_of_it_is_read_and_nothing_more(
    tmp_path: Path, samples: np.ndarray, behind: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wrapped(tmp_path / "long.wav", samples, behind)
    assert len(read_mono(path, RATE).wave) < len(samples)  # as any reader does that believes the size
    monkeypatch.setattr(headers, "_WRAPS", WRAPS)
    np.testing.assert_array_equal(read_mono(path, RATE).wave, samples / np.float32(32768))


def test_chunks_behind_the_sound_are_no_more_sound(
    tmp_path: Path, samples: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tagged.wav"
    soundfile.write(path, samples[:1000], RATE, subtype="PCM_16")
    path.write_bytes(path.read_bytes() + b"junk" + (2 * WRAPS).to_bytes(4, "little") + bytes(2 * WRAPS))
    monkeypatch.setattr(headers, "_WRAPS", WRAPS)
    assert len(read_mono(path, RATE).wave) == 1000
