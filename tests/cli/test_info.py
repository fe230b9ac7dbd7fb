from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import GENRES, SAMPLE_RATE, Genvae

from genvae.audio import wav
from genvae.run import Run


def test_a_run_says_what_it_is(genvae: Genvae, tiny_run: Run) -> None:
    told = json.loads(genvae("info", tiny_run.path, "--json").stdout)
    assert (told["kind"], told["finished"], told["digest"]) == ("run", True, tiny_run.digest())
    assert tuple(told["genres"]) == GENRES
    assert told["model"]["options"]["latent_dim"] == 4
    assert told["data"] == {"clips": 12}
    assert told["bytes"] == sum(file.stat().st_size for file in tiny_run.path.iterdir())
    lines = genvae("info", tiny_run.path).stdout
    assert "drum & bass, rock, techno" in lines
    assert f"  {tiny_run.digest()}\n" in lines
    assert "model.options.latent_dim" in lines


def test_genres_are_shown_without_anything_that_a_terminal_obeys(genvae: Genvae) -> None:
    genre = Path("music") / os.fsdecode(b"r\xe9\n\x1b[31mock")
    genre.mkdir(parents=True)
    with (genre / "a.wav").open("wb") as file:
        soundfile.write(file, 0.1 * np.random.default_rng(0).standard_normal(8000), 8000, format="WAV")
    assert genvae("prepare", "music", "--out", "store", "--workers", "1").exit_code == 0
    assert "genres.r\\udce9\\n\\x1b[31mock.train " in genvae("info", "store").stdout


def test_an_unfinished_run_has_no_digest(genvae: Genvae, tiny_run: Run) -> None:
    tiny_run.weights_path.unlink()
    told = json.loads(genvae("info", tiny_run.path, "--json").stdout)
    assert (told["finished"], told["digest"]) == (False, None)


def test_a_generated_file_says_what_made_it(genvae: Genvae, tiny_run_path: Path) -> None:
    genvae("generate", "--run", tiny_run_path, "--genre", "rock", "--seed", "9", "-o", "x.wav")
    told = json.loads(genvae("info", "x.wav", "--json").stdout)
    assert (told["kind"], told["genre"], told["seed"], told["index"]) == ("clip", "rock", 9, 0)
    assert told["run"] == Run(tiny_run_path).digest()
    assert "vocoder.options.iterations" in genvae("info", "x.wav").stdout


def test_a_store_says_what_it_is(genvae: Genvae) -> None:
    music = Path("music/rock")
    music.mkdir(parents=True)
    noise = 0.1 * np.random.default_rng(0).standard_normal(3 * SAMPLE_RATE)
    (music / "a.wav").write_bytes(wav.encode(noise.astype(np.float32).clip(-1, 1), SAMPLE_RATE))
    assert genvae("prepare", "music", "--out", "store", "--workers", "1").exit_code == 0
    told = json.loads(genvae("info", "store", "--json").stdout)
    assert (told["kind"], told["clips"], told["recordings"]) == ("store", 3, 1)
    assert sum(told["genres"]["rock"].values()) == 3


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere", "nowhere does not exist"),
        ("folder", "folder is nothing that genvae made"),
        ("mine.wav", "mine.wav was not made by genvae"),
        ("text.txt", "text.txt is not a wav file"),
    ],
)
def test_anything_else_is_one_line(genvae: Genvae, name: str, said: str) -> None:
    Path("folder").mkdir()
    Path("mine.wav").write_bytes(wav.encode(np.zeros(5, np.float32), 8000))
    Path("text.txt").write_text("text")
    result = genvae("info", name)
    assert result.exit_code == 3
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1 + (name == "mine.wav")


@pytest.mark.parametrize("name", ["a song.ogg", "a song.mp3"])
def test_a_sound_of_ones_own_is_answered_with_what_takes_it(genvae: Genvae, name: str, tiny_run_path: Path) -> None:
    soundfile.write(name, 0.1 * np.sin(np.arange(9000)), 8000)
    result = genvae("info", name)
    assert result.exit_code == 3
    cure = result.stderr.splitlines()[1].removeprefix("Try: genvae ")
    assert genvae(*shlex.split(cure), "--run", tiny_run_path).exit_code == 0
    assert len(list(Path("heard").iterdir())) == 1


def test_a_damaged_run_is_one_line(genvae: Genvae, tiny_run: Run) -> None:
    tiny_run.description_path.write_text('{"format": 1')
    result = genvae("info", tiny_run.path)
    assert result.exit_code == 4
    assert "pipeline.json is damaged" in result.stderr
