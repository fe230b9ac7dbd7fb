from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genvae.synthesis import provenance

BASE = ("interpolate", "--from", "rock@4", "--to", "drum & bass@7")


def test_steps_are_clips_from_one_end_to_the_other(genvae, tiny_run_path):
    result = genvae(*BASE, "--steps", 3, "--run", tiny_run_path, "-o", "way")
    assert result.exit_code == 0, result.output
    names = [f"way/rock-s4-to-drum-bass-s7-00{n}.wav" for n in range(3)]
    assert result.stdout.splitlines() == names
    assert [provenance.read(Path(name)).at for name in names] == [0, 0.5, 1]
    genvae("generate", "--run", tiny_run_path, "--genre", "rock", "--seed", 4, "-o", "end.wav")
    ours, theirs = (soundfile.read(name)[0] for name in (names[0], "end.wav"))
    assert np.array_equal(ours, theirs)
    again = genvae("regenerate", names[1], "--run", tiny_run_path)
    assert again.exit_code == 0, again.output


@pytest.mark.parametrize(("options", "seconds"), [(("--seconds", "1.5"), 1.5), (("--steps", "4"), 0.016 * 83)])
def test_one_wav_has_the_length_that_was_asked_for(genvae, tiny_run_path, options, seconds):
    result = genvae(*BASE, *options, "--run", tiny_run_path, "-o", "way.wav", "--json")
    assert result.exit_code == 0, result.output
    [told] = json.loads(result.stdout)
    assert told["path"] == "way.wav"
    assert [each["genre"] for each in told["waypoints"]] == ["rock", "drum & bass"]
    assert soundfile.info("way.wav").duration == pytest.approx(seconds, abs=0.02)
    again = genvae("regenerate", "way.wav", "--run", tiny_run_path)
    assert again.exit_code == 0, again.output


def test_a_sound_file_can_be_an_end(genvae, tiny_run_path):
    soundfile.write("mine@5.flac", 0.3 * np.sin(np.arange(44100) * 0.05), 44100)
    arguments = ("interpolate", "--from", "mine@5.flac", "--to", "rock@1", "--steps", 2, "--run", tiny_run_path)
    result = genvae(*arguments)
    assert result.exit_code == 0, result.output
    assert "mine@5.flac: its first 0.512 s, encoded as" in result.stderr
    assert result.stdout.splitlines()[0] == "mine-5-to-rock-s1-000.wav"


def test_a_longer_generated_sound_is_made_again(genvae, tiny_run_path):
    arguments = ("--run", tiny_run_path, "--genre", "techno", "--seed", 3, "--seconds", 1.25)
    assert genvae("generate", *arguments, "-o", "long.wav").exit_code == 0
    assert soundfile.info("long.wav").frames == 10000
    assert genvae("regenerate", "long.wav", "--run", tiny_run_path).exit_code == 0
    result = genvae("generate", *arguments[:-1], 0.1)
    assert result.exit_code == 3
    assert "--seconds takes from 0.512 to 600" in result.stderr


def test_steps_and_seconds_are_not_given_together(genvae, tiny_run_path):
    result = genvae(*BASE, "--run", tiny_run_path, "--steps", 3, "--seconds", 2)
    assert result.exit_code == 2
    assert "--steps and --seconds" in result.stderr
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("end", "message"),
    [
        ("rok@4", "no genre 'rok'"),
        ("rock", "neither a sound file nor a genre and a seed such as drum & bass@42"),
        ("rock@-1", "neither a sound file"),
        ("rock@99999999999999999999", "neither a sound file"),
        (".", "not a regular file"),
    ],
)
def test_an_end_that_is_none_is_one_line(genvae, tiny_run_path, end, message):
    result = genvae("interpolate", "--from", end, "--to", "rock@1", "--run", tiny_run_path)
    assert result.exit_code == 3
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_other_files_are_not_written_over(genvae, tiny_run_path):
    Path("way.wav").write_bytes(b"mine")
    result = genvae(*BASE, "--run", tiny_run_path, "-o", "way.wav")
    assert result.exit_code == 3
    assert Path("way.wav").read_bytes() == b"mine"
