from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from genvae.audio import wav
from genvae.errors import AudioError

SAMPLES = arrays(np.float32, st.integers(0, 50), elements=st.floats(-1, 1, width=32))
TEXTS = st.text(st.characters(min_codepoint=1, max_codepoint=126), max_size=60)


@given(SAMPLES, st.integers(1000, 192000), TEXTS)
def test_the_standard_library_reads_the_samples_back(samples: np.ndarray, rate: int, text: str) -> None:
    content = wav.encode(samples, rate, {"ICMT": text})
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, rate)
        read = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert read.tolist() == [round(float(sample) * 32767) for sample in samples]


def test_libsndfile_reads_the_samples_and_the_text(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav.encode(np.array([0, 0.5, -1], np.float32), 8000, {"ICMT": "a comment", "ISFT": "a tool"}))
    with soundfile.SoundFile(path) as file:
        assert (file.comment, file.software, file.frames) == ("a comment", "a tool", 3)
        assert file.read(dtype="int16").tolist() == [0, 16384, -32767]


@given(SAMPLES, TEXTS, TEXTS)
def test_texts_come_back(tmp_path_factory: pytest.TempPathFactory, samples: np.ndarray, one: str, two: str) -> None:
    path = tmp_path_factory.getbasetemp() / "texts.wav"
    path.write_bytes(wav.encode(samples, 8000, {"ICMT": one, "ISFT": two}))
    assert wav.read_info(path) == {"ICMT": one, "ISFT": two}


def test_texts_written_by_another_program_are_found_before_the_samples(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_16") as file:
        file.comment = "somebody else's"
        file.write(np.zeros(11))
    assert wav.read_info(path)["ICMT"] == "somebody else's"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.5, -1.0001])
def test_what_is_no_sample_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        wav.encode(np.array([0, value], np.float32), 8000)


def test_a_wav_without_texts_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav.encode(np.zeros(5, np.float32), 8000))
    assert wav.read_info(path) == {}


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3" + bytes(100), b"RIFX" + bytes(4) + b"WAVE"])
def test_a_file_that_is_no_wav_is_an_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"song.wav is not a wav file"):
        wav.read_info(path)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"song.wav can't be read"):
        wav.read_info(tmp_path / "song.wav")


@given(st.data())
def test_damage_anywhere_is_an_error_or_other_texts(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = wav.encode(np.zeros(20, np.float32), 8000, {"ICMT": "text", "ISFT": "tool"})
    start = data.draw(st.integers(0, len(whole)))
    path = tmp_path_factory.getbasetemp() / "damaged.wav"
    path.write_bytes(whole[:start] + data.draw(st.binary(max_size=40)) + whole[start + data.draw(st.integers(0, 40)) :])
    try:
        texts = wav.read_info(path)
    except AudioError:
        return
    assert all(isinstance(text, str) for text in texts.values())


def test_a_size_that_is_a_lie_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF" + bytes(4) + b"WAVE" + b"LIST" + struct.pack("<I", 0xFFFFFFF0) + b"INFO" + bytes(50))
    assert wav.read_info(path) == {}
