"""What libsndfile does not read, through ffmpeg."""

import os
import shutil
import subprocess

import numpy as np
import pytest

from genvae.audio.ffmpeg import FfmpegStream
from genvae.audio.open import open_sound
from genvae.errors import AudioError

needs_ffmpeg = pytest.mark.skipif(not (shutil.which("ffmpeg") and shutil.which("ffprobe")), reason="needs ffmpeg")

FORMATS = [
    ("m4a", ["-c:a", "aac"]),
    ("m4a", ["-c:a", "alac"]),
    ("aac", ["-c:a", "aac"]),
    ("wma", ["-c:a", "wmav2"]),
    ("mkv", ["-c:a", "ac3"]),
    ("webm", ["-c:a", "libopus"]),
    ("wav", []),
]


def make(path, codec, seconds=3.0, rate=48000, channels=2):
    wave = 0.25 * np.sin(2 * np.pi * 1000 * np.arange(round(seconds * rate)) / rate).astype("<f4")
    raw = np.repeat(wave[:, None], channels, axis=1).tobytes()
    form = ["-f", "f32le", "-ar", str(rate), "-ac", str(channels), "-i", "-"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *form, *codec, f"file:{path}"], input=raw, check=True)
    return path


def read(path):
    with FfmpegStream(path) as stream:
        blocks = list(stream.blocks(4096))
        return stream, np.concatenate([*blocks, np.zeros((0, stream.channels), np.float32)])


@needs_ffmpeg
@pytest.mark.parametrize(("suffix", "codec"), FORMATS)
def test_a_tone_comes_through_every_format(tmp_path, suffix, codec):
    stream, sound = read(make(tmp_path / f"x.{suffix}", codec))
    assert (stream.sample_rate, stream.channels, sound.dtype) == (48000, 2, np.float32)
    assert abs(len(sound) / 48000 - 3) < 0.1
    assert stream.frames is None or stream.frames <= len(sound)  # or it would count as partial
    middle = sound[24000:120000, 0]
    spectrum = np.abs(np.fft.rfft(middle))
    assert np.argmax(spectrum) == 2000  # 96000 samples at 48 kHz: bins of half a hertz
    assert abs(np.sqrt(2) * middle.std() - 0.25) < 0.01


@needs_ffmpeg
def test_the_sound_of_a_video_is_read_and_a_video_without_sound_is_told(tmp_path):
    picture = ["-f", "lavfi", "-i", "color=size=64x64:duration=2:rate=10"]
    sound = ["-f", "lavfi", "-i", "sine=frequency=440:duration=2"]
    base = ["ffmpeg", "-v", "error", "-y", *picture]
    subprocess.run([*base, *sound, "-c:v", "mpeg4", "-c:a", "aac", tmp_path / "film.mp4"], check=True)
    subprocess.run([*base, "-c:v", "mpeg4", tmp_path / "mute.mp4"], check=True)
    assert abs(len(read(tmp_path / "film.mp4")[1]) / 44100 - 2) < 0.1
    with pytest.raises(AudioError, match="no sound track"):
        read(tmp_path / "mute.mp4")


@needs_ffmpeg
@pytest.mark.parametrize(
    "name",
    [b"-y out.m4a", b"http:x.m4a", b"concat:a|b.m4a", b"%03d.m4a", b"caf\xe9 \xf0\x9f\x8e\xb5.m4a", b"a'b\"c;$(d).m4a"],
)
def test_no_name_means_anything_to_ffmpeg(tmp_path, name):
    plain = make(tmp_path / "plain.m4a", ["-c:a", "aac"], seconds=1)
    odd = tmp_path / os.fsdecode(name)
    plain.rename(odd)
    assert len(read(odd)[1]) > 40000
    assert len(list(tmp_path.iterdir())) == 1


@needs_ffmpeg
def test_a_file_that_was_cut_short_declares_more_than_it_gives(tmp_path):
    path = make(tmp_path / "x.m4a", ["-c:a", "aac", "-movflags", "faststart"], seconds=10)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with FfmpegStream(path) as stream:
        decoded = 0
        try:
            for block in stream.blocks(4096):
                decoded += len(block)
        except AudioError:
            pass
        assert stream.frames is not None
        assert 48000 < decoded < stream.frames


@needs_ffmpeg
@pytest.mark.parametrize("content", [b"", b"just text\n" * 99, b"\0" * 4000, b"\0\0\0\x20ftypM4A " + b"\xff" * 999])
def test_what_is_no_sound_is_refused_in_words(tmp_path, content):
    (tmp_path / "x.m4a").write_bytes(content)
    with pytest.raises(AudioError, match=r"\w+") as caught:
        read(tmp_path / "x.m4a")
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@needs_ffmpeg
def test_a_playlist_in_disguise_reaches_no_network(tmp_path):
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
    (tmp_path / "x.m4a").write_text(text)
    with pytest.raises(AudioError):
        read(tmp_path / "x.m4a")


@needs_ffmpeg
def test_the_process_ends_with_the_stream(tmp_path):
    with FfmpegStream(make(tmp_path / "x.m4a", ["-c:a", "aac"], seconds=20)) as stream:
        next(stream.blocks(100))
    assert stream._process.poll() is not None


@needs_ffmpeg
@pytest.mark.parametrize(("suffix", "codec"), FORMATS)
def test_any_sound_opens_with_the_decoder_that_reads_it(tmp_path, suffix, codec):
    with open_sound(make(tmp_path / f"x.{suffix}", codec)) as stream:
        decoded = sum(map(len, stream.blocks(4096)))
        assert isinstance(stream, FfmpegStream) == (suffix != "wav")
    assert abs(decoded / 48000 - 3) < 0.1


def test_without_ffmpeg_what_it_would_read_is_refused_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    for name, hinted in (("x.m4a", True), ("x.wav", False)):
        (tmp_path / name).write_bytes(b"no sound at all")
        with pytest.raises(AudioError) as caught:
            open_sound(tmp_path / name)
        assert ("install ffmpeg" in str(caught.value)) == hinted
