"""Each exit code of docs/reliability.md's table, in a case that gives it; and a pipe that nobody reads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import Genvae

from genvae.run import Run


def music(root: Path, *broken: str) -> Path:
    (root / "rock").mkdir(parents=True)
    for number in range(2):
        wave = np.random.default_rng(number).uniform(-0.5, 0.5, 16000)
        soundfile.write(root / "rock" / f"{number}.wav", wave, 8000)
    for name in broken:
        (root / "rock" / name).write_text("no sound")
    return root


def test_0_is_what_was_asked_for(genvae: Genvae, tmp_path: Path) -> None:
    prepared = genvae("prepare", music(tmp_path / "music", "a.wav"), "--out", "store", "--workers", "1")
    assert prepared.exit_code == 0


def test_1_is_our_own_fault(tmp_path: Path) -> None:
    code = "import genvae.verbs; genvae.verbs.open_run = None\nfrom genvae.cli import main; main(['generate'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert "TypeError" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["generate", "--nonsense"],
        ["nonsense"],
        ["serve", "--token", "abc", "--public"],
        ["train", "{store}", "--run", "new", "--steps", "1", "--set", "model.nonsense=1"],
        ["train", "{store}", "--run", "new", "--steps", "1", "--set", "train.augment=nonsense"],
        ["train-vocoder", "{store}", "--run", "new", "--for", "{run}"],
        ["plugins", "check", "griffin-lim", "--set", "vocoder.nonsense=1"],
        ["plugins", "check", "griffin-lim", "--set", "vocoder.iterations=few"],
        ["plugins", "check", "griffin-lim", "--expect", "nonsense"],
    ],
)
def test_2_is_usage(genvae: Genvae, tone_store: Path, tiny_run: Run, words: list[str]) -> None:
    assert genvae(*(word.format(store=tone_store, run=tiny_run.path) for word in words)).exit_code == 2


def test_3_is_input_that_is_of_no_use(genvae: Genvae, tmp_path: Path) -> None:
    nothing = tmp_path / "music" / "rock"
    nothing.mkdir(parents=True)
    (nothing / "a.wav").write_text("no sound")
    assert genvae("prepare", tmp_path / "music", "--out", "store", "--workers", "1").exit_code == 3
    assert genvae("regenerate", nothing / "a.wav").exit_code == 3
    assert genvae("train", "nowhere", "--run", "new", "--steps", "1").exit_code == 3


def test_4_is_a_run_that_is_refused(genvae: Genvae, tiny_run: Run) -> None:
    assert genvae("generate", "--run", "nowhere", "--genre", "rock").exit_code == 4
    tiny_run.weights_path.write_bytes(b"no weights")
    assert genvae("generate", "--run", tiny_run.path, "--genre", "rock").exit_code == 4


def test_5_is_something_lost_where_nothing_may_be(genvae: Genvae, tmp_path: Path) -> None:
    source = music(tmp_path / "music", "a.wav")
    result = genvae("prepare", source, "--out", "store", "--workers", "1", "--strict")
    assert result.exit_code == 5
    assert "1 recordings are not there whole" in result.stderr
    (source / "rock" / "a.wav").unlink()
    assert genvae("prepare", source, "--out", "store", "--workers", "1", "--strict").exit_code == 0


def test_6_is_a_plugin_or_an_extra_that_is_missing(
    genvae: Genvae, tiny_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert genvae("generate", "--run", tiny_run.path, "--genre", "rock", "--vocoder", "nonsense").exit_code == 6
    assert genvae("generate", "--plugin", "nowhere.py").exit_code == 6
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert genvae("export", tiny_run.path).exit_code == 6


def test_7_is_the_disk(genvae: Genvae, tiny_run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for words in (
        ["prepare", music(tmp_path / "music"), "--out", tmp_path / "file" / "store", "--workers", "1"],
        ["generate", "--run", tiny_run.path, "--genre", "rock", "-o", tmp_path / "file" / "a.wav"],
        ["export", tiny_run.path, "-o", tmp_path / "file" / "a.onnx"],
        ["plot", "latent", tiny_run.path, "-o", tmp_path / "file" / "a.png"],
    ):
        result = genvae(*words)
        assert result.exit_code == 7, words
        assert str(tmp_path / "file") in result.stderr


@pytest.mark.skipif(os.name != "posix", reason="pipes of other systems end otherwise")
@pytest.mark.parametrize("words", [["plugins", "list"], ["generate", "--run", "{run}", "--genre", "rock", "-o", "-"]])
def test_a_pipe_that_nobody_reads_ends_it_without_a_word(tiny_run: Run, words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "genvae", *(word.format(run=tiny_run.path) for word in words)]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.returncode == 141
    assert "Error" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr


def test_every_kind_of_error_has_a_code_of_the_table() -> None:
    from genvae import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.GenvaeError)]
    table = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text(encoding="utf-8")
    for kind in kinds:
        assert f"| {kind.exit_code} |" in table
