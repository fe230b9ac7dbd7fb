"""Files that libsndfile reads, whole and damaged, as sound streams."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genvae.audio.decode import SoundfileStream
from genvae.errors import AudioError

FORMATS = [
    ("wav", "WAV", "PCM_U8", 8000, 1),
    ("wav", "WAV", "PCM_16", 44100, 2),
    ("wav", "WAV", "PCM_24", 96000, 2),
    ("wav", "WAV", "FLOAT", 22050, 1),
    ("wav", "WAV", "DOUBLE", 48000, 3),
    ("wav", "WAV", "ULAW", 8000, 1),
    ("wav", "RF64", "PCM_16", 44100, 2),
    ("flac", "FLAC", "PCM_16", 44100, 2),
    ("flac", "FLAC", "PCM_24", 192000, 6),
    ("ogg", "OGG", "VORBIS", 44100, 2),
    ("opus", "OGG", "OPUS", 48000, 2),
    ("mp3", "MP3", "MPEG_LAYER_III", 44100, 2),
    ("mp3", "MP3", "MPEG_LAYER_III", 22050, 1),
    ("aiff", "AIFF", "PCM_16", 44100, 1),
    ("aiff", "AIFF", "PCM_24", 48000, 8),
]
LOSSY = {"ULAW": 0.02, "VORBIS": 0.1, "OPUS": 0.1, "MPEG_LAYER_III": 0.1, "PCM_U8": 0.01}


def tone(rate: int, channels: int, seconds: float = 1.5) -> np.ndarray:
    """A 440 Hz tone, quieter in each further channel."""
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)
    return wave[:, None] / np.arange(1, channels + 1)


def read(path: Path, frames: int = 1000, **part: float) -> np.ndarray:
    with SoundfileStream(path, **part) as stream:
        return np.concatenate([*stream.blocks(frames), np.zeros((0, stream.channels), np.float32)])


@pytest.mark.parametrize(("suffix", "form", "subtype", "rate", "channels"), FORMATS)
def test_reads_every_format_in_blocks(tmp_path, suffix, form, subtype, rate, channels):
    wave = tone(rate, channels)
    path = tmp_path / f"sound.{suffix}"
    soundfile.write(path, wave, rate, format=form, subtype=subtype)
    with SoundfileStream(path) as stream:
        assert (stream.sample_rate, stream.channels) == (rate, channels)
        blocks = list(stream.blocks(777))
        assert stream.frames is not None
        assert stream.frames <= sum(map(len, blocks))  # or it would count as partial
    assert all(0 < len(b) <= 777 and b.dtype == np.float32 for b in blocks)
    sound = np.concatenate(blocks)
    assert sound.shape == wave.shape
    assert np.abs(sound - wave)[rate // 10 : -rate // 10].max() < LOSSY.get(subtype, 1e-4)


@pytest.mark.parametrize(("suffix", "form", "subtype", "rate", "channels"), FORMATS)
@pytest.mark.parametrize("share", [0.35, 0.61, 0.9])
def test_a_file_that_was_cut_short_declares_more_than_it_gives(tmp_path, suffix, form, subtype, rate, channels, share):
    path = tmp_path / f"sound.{suffix}"
    noise = np.random.default_rng(0).normal(0, 0.1, (rate * 4, channels))
    soundfile.write(path, noise, rate, format=form, subtype=subtype)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    decoded, error = 0, None
    with SoundfileStream(path) as stream:
        try:
            for block in stream.blocks(4096):
                decoded += len(block)
        except AudioError as caught:
            error = caught
        assert error is not None or (stream.frames is not None and stream.frames > decoded)
    assert decoded > 0.1 * rate  # and the good part is there


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 5000, b"hello, this is a text\n" * 300, b"RIFF\x24\0\0\0WAVEfmt ", b"fLaC\0\0\0\x22" + b"\xff" * 60],
)
@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "aiff"])
def test_what_is_no_sound_is_refused_in_words(tmp_path, content, suffix):
    path = tmp_path / f"odd.{suffix}"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"\w+"):
        read(path)


def test_headers_with_no_channels_or_an_absurd_rate_are_refused(tmp_path):
    path = tmp_path / "x.wav"
    for place, value in ((22, b"\0\0"), (24, b"\0\0\0\0"), (24, b"\xff\xff\xff\x7f"), (24, b"\1\0\0\0")):
        soundfile.write(path, tone(8000, 1), 8000)
        content = bytearray(path.read_bytes())
        content[place : place + len(value)] = value
        path.write_bytes(content)
        with pytest.raises(AudioError):
            read(path)


def test_a_header_that_was_never_completed_declares_nothing(tmp_path):
    # What a program that writes to a pipe leaves: all ones where the size should be.
    path = tmp_path / "piped.wav"
    soundfile.write(path, tone(8000, 1), 8000)
    content = bytearray(path.read_bytes())
    content[4:8] = content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with SoundfileStream(path) as stream:
        decoded = sum(map(len, stream.blocks(1000)))
        assert decoded == 12000
        assert stream.frames is None or stream.frames <= decoded


def test_a_missing_file_is_the_systems_error_and_a_pipe_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        SoundfileStream(tmp_path / "none.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(AudioError, match="regular"):
        SoundfileStream(tmp_path / "pipe.wav")


def test_names_that_are_not_utf8_open(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9 \xf0\x9f\x8e\xb5.flac")
    plain = tmp_path / "plain.flac"
    soundfile.write(plain, tone(8000, 1), 8000)
    plain.rename(path)
    assert len(read(path)) == 12000


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_blocks_of_any_size_give_the_same_sound(tmp_path, suffix):
    # A tone rather than noise: its MP3 frames borrow bits from those before, which a seek between reads would lose.
    path = tmp_path / f"whole.{suffix}"
    soundfile.write(path, tone(44100, 1, seconds=4), 44100)
    whole = soundfile.read(path, dtype="float32", always_2d=True)[0]
    for frames in (100, 1152, 5000, 1 << 20):
        np.testing.assert_array_equal(read(path, frames), whole)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_part_is_the_same_as_that_part_of_the_whole(tmp_path, suffix):
    path = tmp_path / f"whole.{suffix}"
    soundfile.write(path, tone(16000, 2, seconds=3), 16000)
    whole = read(path)
    np.testing.assert_allclose(read(path, start=0.5, end=2.25), whole[8000:36000], atol=1e-6)
    np.testing.assert_allclose(read(path, start=2.9), whole[46400:], atol=1e-6)
    with SoundfileStream(path, start=2.0, end=9.0) as stream:
        assert stream.frames is not None
        assert stream.frames > sum(map(len, stream.blocks(1000)))
    with pytest.raises(AudioError, match="before the start"):
        read(path, start=5.0)
