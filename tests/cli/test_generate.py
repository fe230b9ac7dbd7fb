from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from conftest import CLIP_SAMPLES, SAMPLE_RATE, Genvae

from genvae import pretrained
from genvae.audio import play, wav
from genvae.cli.runs import file_name
from genvae.run import Run
from genvae.synthesis import provenance


def test_files_are_named_and_told_and_are_16_bit_wav(genvae: Genvae, tiny_run_path: Path) -> None:
    result = genvae("generate", "--run", tiny_run_path, "--genre", "techno", "--seed", "42", "--count", "2")
    assert result.stdout.splitlines() == ["techno-s42-000.wav", "techno-s42-001.wav"]
    with wave.open("techno-s42-001.wav") as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        assert (file.getframerate(), file.getnframes()) == (SAMPLE_RATE, CLIP_SAMPLES)
    told = provenance.read(Path("techno-s42-001.wav"))
    assert (told.genre, told.seed, told.index, told.run) == ("techno", 42, 1, Run(tiny_run_path).digest())


def test_a_clip_is_the_same_however_many_are_made(genvae: Genvae, tiny_run_path: Path) -> None:
    order = ["generate", "--run", tiny_run_path, "--genre", "rock", "--seed", "7"]
    genvae(*order, "--count", "1", "-o", "one")
    genvae(*order, "--count", "5", "-o", "five")
    assert Path("one/rock-s7-000.wav").read_bytes() == Path("five/rock-s7-000.wav").read_bytes()
    assert len({path.read_bytes() for path in Path("five").iterdir()}) == 5


def test_without_a_seed_one_is_drawn_and_told(genvae: Genvae, tiny_run_path: Path) -> None:
    results = [genvae("generate", "--run", tiny_run_path, "--genre", "rock") for _ in range(2)]
    for result in results:
        seed = provenance.read(Path(result.stdout.strip())).seed
        assert seed < 2**31
        assert f"--seed {seed}" in result.stderr
    assert results[0].stdout != results[1].stdout


def test_json_is_a_list_of_what_was_made(genvae: Genvae, tiny_run_path: Path) -> None:
    result = genvae("generate", "--run", tiny_run_path, "--genre", "rock", "--seed", "1", "--count", "2", "--json")
    made = json.loads(result.stdout)
    assert [(m["path"], m["genre"], m["seed"], m["index"]) for m in made] == [
        ("rock-s1-000.wav", "rock", 1, 0),
        ("rock-s1-001.wav", "rock", 1, 1),
    ]
    with wave.open(made[0]["path"]) as file:
        frames = memoryview(file.readframes(file.getnframes())).cast("h")
    assert max(map(abs, frames)) == round(made[0]["peak"] * 32767)
    assert made[0]["run"] == Run(tiny_run_path).digest()


def test_options_of_the_vocoder_change_the_sound_and_are_told(genvae: Genvae, tiny_run_path: Path) -> None:
    order = ["generate", "--run", tiny_run_path, "--genre", "rock", "--seed", "1"]
    genvae(*order, "-o", "plain.wav")
    result = genvae(*order, "--set", "vocoder.iterations=9", "-o", "set.wav")
    assert result.exit_code == 0
    told = provenance.read(Path("set.wav"))
    assert told.vocoder["options"] == {**provenance.read(Path("plain.wav")).vocoder["options"], "iterations": 9}
    assert Path("set.wav").read_bytes() != Path("plain.wav").read_bytes()


def test_a_clip_goes_to_a_named_file_and_its_folder_is_made(genvae: Genvae, tiny_run_path: Path) -> None:
    result = genvae("generate", "--run", tiny_run_path, "--genre", "rock", "-o", "new/folder/x.WAV")
    assert result.stdout == "new/folder/x.WAV\n"
    assert provenance.read(Path("new/folder/x.WAV")).genre == "rock"


def test_a_file_that_holds_something_else_is_kept(genvae: Genvae, tiny_run_path: Path) -> None:
    order = ["generate", "--run", tiny_run_path, "--genre", "rock", "--seed", "1", "--count", "3"]
    Path("rock-s1-001.wav").write_bytes(b"a treasure")
    result = genvae(*order)
    assert result.exit_code == 3
    assert "rock-s1-001.wav exists and holds something else" in result.stderr
    assert [path.name for path in Path().iterdir()] == ["rock-s1-001.wav"], "refused before anything is made"
    assert Path("rock-s1-001.wav").read_bytes() == b"a treasure"
    assert genvae(*order, "--overwrite").exit_code == 0
    assert provenance.read(Path("rock-s1-001.wav")).index == 1


def test_a_file_with_the_same_bytes_is_fine_and_left_alone(genvae: Genvae, tiny_run_path: Path) -> None:
    order = ["generate", "--run", tiny_run_path, "--genre", "rock", "--seed", "1"]
    genvae(*order)
    before = Path("rock-s1-000.wav").stat()
    assert genvae(*order).exit_code == 0
    assert Path("rock-s1-000.wav").stat().st_ino == before.st_ino


def test_a_file_whose_sound_was_changed_is_kept(genvae: Genvae, tiny_run_path: Path) -> None:
    order = ["generate", "--run", tiny_run_path, "--genre", "rock", "--seed", "1"]
    genvae(*order)
    content = bytearray(Path("rock-s1-000.wav").read_bytes())
    content[100] ^= 0xFF
    Path("rock-s1-000.wav").write_bytes(content)
    assert genvae(*order).exit_code == 3
    assert Path("rock-s1-000.wav").read_bytes() == content


def test_play_plays_each_file(genvae: Genvae, tiny_run_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[Path] = []
    monkeypatch.setattr(play, "play", played.append)
    genvae("generate", "--run", tiny_run_path, "--genre", "rock", "--seed", "1", "--count", "2", "--play")
    assert played == [Path("rock-s1-000.wav"), Path("rock-s1-001.wav")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--count", "0"], "--count"),
        (["--count", "many"], "'many' is not a valid whole number"),
        (["--seconds", "long"], "'long' is not a valid number"),
        (["drum & bass"], "genvae generate --genre 'drum & bass'"),
        (["--seed", "-1"], "--seed"),
        (["--temperature", "-0.1"], "--temperature"),
        (["--temperature", "nan"], "not a finite number"),
        (["--temperature", "inf"], "not a finite number"),
        (["--count", "2", "-o", "x.wav"], "name a folder"),
        (["--count", "2", "-o", "-"], "name a folder"),
        (["--json", "-o", "-"], "standard output is the sound"),
        (["--play", "-o", "-"], "standard output is the sound"),
    ],
)
def test_wrong_usage_is_told(genvae: Genvae, tiny_run_path: Path, arguments: list[str], said: str) -> None:
    result = genvae("generate", "--run", tiny_run_path, "--genre", "rock", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--genre", "polka"], 3, "There is no genre 'polka' in this run. Known: drum & bass, rock, techno."),
        ([], 2, "This run knows: drum & bass, rock, techno."),
        (["--genre", "rock", "--vocoder", "griffin"], 6, "Did you mean 'griffin-lim'?"),
        (["--genre", "rock", "--set", "vocoder.iteration=3"], 2, "Did you mean 'iterations'?"),
        (["--genre", "rock", "--set", "vocoder.iterations=-3"], 2, "takes a whole number from 0 to 100000"),
        (["--genre", "rock", "--set", "model.latent_dim=3"], 2, "there is no section 'model'"),
        (["--genre", "rock", "--temperature", "1e300"], 2, "--temperature takes from 0 to 100"),
        (["--genre", "rock", "--run", "nowhere"], 4, "nowhere is not a run"),
    ],
)
def test_a_mistake_is_one_line_and_no_file(
    genvae: Genvae, tiny_run_path: Path, arguments: list[str], code: int, said: str
) -> None:
    result = genvae("generate", "--run", tiny_run_path, "--seed", "1", *arguments)
    assert result.exit_code == code
    assert said in result.stderr
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) <= 2
    assert not list(Path().glob("*.wav"))


@pytest.mark.parametrize("name", ["weights.safetensors", "pipeline.json"])
@pytest.mark.parametrize("damage", ["truncated", "garbage", "empty"])
def test_a_damaged_run_is_one_line_that_names_the_file(genvae: Genvae, tiny_run: Run, name: str, damage: str) -> None:
    file = tiny_run.path / name
    content = file.read_bytes()
    file.write_bytes({"truncated": content[: len(content) // 2], "garbage": b"[1]" + content, "empty": b""}[damage])
    result = genvae("generate", "--run", tiny_run.path, "--genre", "rock")
    assert result.exit_code == 4
    assert f"{name} is damaged" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_without_a_pretrained_run_the_message_says_what_to_do(
    genvae: Genvae, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(pretrained, "__file__", str(tmp_path / "__init__.py"))
    result = genvae("generate", "--genre", "rock")
    assert result.exit_code == 4
    assert "--run of your own" in result.stderr


def test_the_pretrained_run_is_the_default(genvae: Genvae, monkeypatch: pytest.MonkeyPatch, tiny_run: Run) -> None:
    tiny_run.path.rename(tiny_run.path.parent / "default")
    monkeypatch.setattr(pretrained, "__file__", str(tiny_run.path.parent / "__init__.py"))
    assert genvae("generate", "--genre", "rock", "--seed", "1").stdout == "rock-s1-000.wav\n"


def test_a_pipe_gets_the_bytes_of_the_file(genvae: Genvae, tiny_run_path: Path) -> None:
    order = ["generate", "--run", str(tiny_run_path), "--genre", "rock", "--seed", "1"]
    genvae(*order, "-o", "file.wav")
    done = subprocess.run([sys.executable, "-m", "genvae", *order, "-o", "-"], capture_output=True, timeout=120)
    assert done.returncode == 0
    assert done.stderr == b""
    assert done.stdout == Path("file.wav").read_bytes()
    with wave.open(io.BytesIO(done.stdout)) as file:
        assert file.getnframes() == CLIP_SAMPLES


@pytest.mark.skipif(os.name != "posix", reason="there are pseudo terminals on POSIX only")
@pytest.mark.parametrize(("closed", "status"), [("1", 1), ("2", 0)])
def test_a_closed_output_is_no_traceback(tiny_run_path: Path, closed: str, status: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "genvae", "generate", "--run", str(tiny_run_path), "--genre", "rock", "-o", "-"]
    shell = f"{shlex.join(command)} {closed}>&-"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == status, done.stderr
    if status:
        assert done.stderr.decode() == "Error: Standard output is closed, so that -o - leads nowhere. Name a file.\n"
    else:
        assert done.stdout.startswith(b"RIFF")


def test_a_terminal_is_refused(tiny_run_path: Path) -> None:
    import pty

    master, terminal = pty.openpty()
    try:
        command = [
            sys.executable,
            "-m",
            "genvae",
            "generate",
            "--run",
            str(tiny_run_path),
            "--genre",
            "rock",
            "-o",
            "-",
        ]
        done = subprocess.run(command, stdout=terminal, stderr=subprocess.PIPE, text=True, timeout=120)
    finally:
        os.close(terminal)
        os.close(master)
    assert done.returncode == 3
    assert "terminal" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("genre", "name"),
    [
        ("techno", "techno-s42-007.wav"),
        ("drum & bass", "drum-bass-s42-007.wav"),
        ("../../etc", "etc-s42-007.wav"),
        ("...", "genre-s42-007.wav"),
        ("näht 🎹", "näht-s42-007.wav"),
        ("🎹", "genre-s42-007.wav"),
        ("-rf", "rf-s42-007.wav"),
    ],
)
def test_file_names_are_fit_for_a_file_system(genre: str, name: str) -> None:
    assert file_name(genre, 42, 7) == name


@pytest.mark.parametrize("genre", ["x" * 300, "🎹" * 300, "\udcff", "a\nb\x00c"])
def test_any_genre_gives_a_file_name_that_can_be_written(genre: str, tmp_path: Path) -> None:
    path = tmp_path / file_name(genre, 2**63 - 1, 999)
    path.write_bytes(b"")
    assert path.parent == tmp_path


def test_the_info_of_a_generated_file_is_ascii(genvae: Genvae, tiny_run_path: Path) -> None:
    genvae("generate", "--run", tiny_run_path, "--genre", "drum & bass", "-o", "x.wav")
    info = wav.read_info(Path("x.wav"))
    assert info["ISFT"].startswith("genvae ")
    assert json.loads(info["ICMT"])["genre"] == "drum & bass"
