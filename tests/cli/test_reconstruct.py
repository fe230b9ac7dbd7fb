from __future__ import annotations

import json
import shutil
import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import SAMPLE_RATE, Genvae

from genvae.audio import wav


def sound(path: str, *, seconds: float = 1.3, rate: int = SAMPLE_RATE, channels: int = 1) -> Path:
    times = np.arange(round(seconds * rate)) / rate
    tone = 0.3 * np.sin(2 * np.pi * 440 * times)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.tile(tone[:, None], channels), rate)
    return Path(path)


def frames(path: str) -> tuple[int, int, int]:
    with wave.open(path) as file:
        return file.getnframes(), file.getframerate(), file.getnchannels()


@pytest.mark.parametrize(("suffix", "rate", "channels"), [("wav", 8000, 1), ("flac", 44100, 2), ("ogg", 22050, 3)])
def test_any_sound_comes_back_mono_at_the_runs_rate_and_as_long(
    genvae: Genvae, tiny_run_path: Path, suffix: str, rate: int, channels: int
) -> None:
    file = sound(f"my sound.{suffix}", rate=rate, channels=channels)
    result = genvae("reconstruct", file, "--run", tiny_run_path, "-o", "out")
    assert result.exit_code == 0
    assert result.stdout == "out/my sound-reconstruction.wav\n"
    assert frames("out/my sound-reconstruction.wav") == (round(1.3 * SAMPLE_RATE), SAMPLE_RATE, 1)
    assert "dB from the original" in result.stderr


@pytest.mark.skipif(not (shutil.which("ffmpeg") and shutil.which("ffprobe")), reason="needs ffmpeg")
def test_what_only_ffmpeg_reads_is_reconstructed_too(genvae: Genvae, tiny_run_path: Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-i", sound("a.wav"), "-c:a", "aac", "b.m4a"], check=True)
    assert genvae("reconstruct", "b.m4a", "--run", tiny_run_path, "-o", "out").exit_code == 0
    assert frames("out/b-reconstruction.wav")[0] >= 1.3 * SAMPLE_RATE


def test_a_file_that_was_cut_short_is_taken_as_far_as_it_goes(genvae: Genvae, tiny_run_path: Path) -> None:
    for file in (sound("a.wav", seconds=4), sound("b.flac", seconds=4)):
        file.write_bytes(file.read_bytes()[: file.stat().st_size * 6 // 10])
    result = genvae("reconstruct", "a.wav", "b.flac", "--run", tiny_run_path, "-o", "out", "--json")
    assert result.exit_code == 0
    for told in json.loads(result.stdout):
        assert "declares 4.000 s" in told["warning"]
        assert f"Warning: {told['file']}: declares 4.000 s" in result.stderr
        assert 1.0 * SAMPLE_RATE < frames(told["path"])[0] < 3.0 * SAMPLE_RATE


def test_the_same_file_gives_the_same_bytes(genvae: Genvae, tiny_run_path: Path) -> None:
    for folder in ("one", "two"):
        genvae("reconstruct", sound("a.wav"), "--run", tiny_run_path, "-o", folder)
    assert Path("one/a-reconstruction.wav").read_bytes() == Path("two/a-reconstruction.wav").read_bytes()


def test_bad_files_are_named_and_the_others_written(genvae: Genvae, tiny_run_path: Path) -> None:
    sound("good.wav")
    Path("text.wav").write_text("no sound")
    Path("empty.wav").write_bytes(b"")
    soundfile.write("silent.wav", np.zeros(0), 8000)
    soundfile.write("nan.wav", np.full(5000, np.nan), 8000, subtype="FLOAT")
    bad = ["text.wav", "empty.wav", "silent.wav", "nan.wav", "missing.wav", "."]
    result = genvae("reconstruct", "good.wav", *bad, "--run", tiny_run_path, "-o", "out", "--json")
    assert result.exit_code == 3
    assert [path.name for path in Path("out").iterdir()] == ["good-reconstruction.wav"]
    assert "6 of 7 files" in result.stderr
    for name, told in zip(bad, json.loads(result.stdout)[1:], strict=True):
        assert told["file"] == name
        assert f"Skipped: {name}: " in result.stderr
    assert "Traceback" not in result.stderr


def test_json_tells_the_genre_and_the_distance(genvae: Genvae, tiny_run_path: Path) -> None:
    result = genvae("reconstruct", sound("a.wav"), "--run", tiny_run_path, "-o", "out", "--genre", "rock", "--json")
    [told] = json.loads(result.stdout)
    assert (told["file"], told["path"], told["genre"]) == ("a.wav", "out/a-reconstruction.wav", "rock")
    assert 0 < told["distance_db"] < 200


def test_an_unknown_genre_is_one_error_for_all_files(genvae: Genvae, tiny_run_path: Path) -> None:
    files = [sound("a.wav"), sound("b.wav")]
    result = genvae("reconstruct", *files, "--run", tiny_run_path, "-o", "out", "--genre", "polka")
    assert result.exit_code == 3
    assert result.stderr.splitlines() == [
        "Error: There is no genre 'polka' in this run. Known: drum & bass, rock, techno."
    ]


def test_two_files_of_one_name_are_refused(genvae: Genvae, tiny_run_path: Path) -> None:
    result = genvae("reconstruct", sound("a/x.wav"), sound("b/x.flac"), "--run", tiny_run_path, "-o", "out")
    assert result.exit_code == 3
    assert "a/x.wav and b/x.flac would both become" in result.stderr


def test_a_file_that_holds_something_else_is_kept(genvae: Genvae, tiny_run_path: Path) -> None:
    Path("out").mkdir()
    Path("out/a-reconstruction.wav").write_bytes(b"a treasure")
    order = ["reconstruct", sound("a.wav"), "--run", tiny_run_path, "-o", "out"]
    assert genvae(*order).exit_code == 3
    assert Path("out/a-reconstruction.wav").read_bytes() == b"a treasure"
    assert genvae(*order, "--overwrite").exit_code == 0
    assert wav.read_info(Path("out/a-reconstruction.wav"))["ISFT"].startswith("genvae ")
