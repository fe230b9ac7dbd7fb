from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest
from conftest import Genvae

from genvae import pretrained
from genvae.run import Run


@pytest.fixture
def pretrained_in_place(monkeypatch: pytest.MonkeyPatch, tiny_run: Run) -> Run:
    """The tiny run in the place of the pretrained one."""
    path = tiny_run.path.rename(tiny_run.path.parent / "default")
    monkeypatch.setattr(pretrained, "__file__", str(path.parent / "__init__.py"))
    return Run(path)


def test_a_sound_installation_generates(genvae: Genvae, pretrained_in_place: Run) -> None:
    result = genvae("doctor", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["versions"]["python"] == platform.python_version()
    assert found["generation"]["run"] == pretrained_in_place.digest()
    assert found["generation"]["error"] is None
    assert -100 < found["generation"]["level_db"] < 0
    assert ".flac" in found["formats"]
    assert found["devices"][0].startswith("cpu")
    assert {"kind": "vocoder", "name": "griffin-lim", "state": "ok", "from": "genvae", "reason": ""} in found["plugins"]


def test_the_same_stands_in_words(genvae: Genvae, pretrained_in_place: Run) -> None:
    result = genvae("doctor")
    assert result.exit_code == 0
    for word in ("python", "torch", "libsndfile", "ffmpeg", "griffin-lim", f"the run {pretrained_in_place.digest()}"):
        assert word in result.stdout


def test_without_ffmpeg_it_says_so(genvae: Genvae, pretrained_in_place: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = genvae("doctor")
    assert result.exit_code == 0
    assert "not found" in next(line for line in result.stdout.splitlines() if line.startswith("ffmpeg"))


def test_a_generation_that_fails_is_told_after_all_else(genvae: Genvae, pretrained_in_place: Run) -> None:
    pretrained_in_place.weights_path.write_bytes(b"broken")
    result = genvae("doctor")
    assert result.exit_code == 1
    assert "griffin-lim" in result.stdout
    assert "No clip could be generated" in result.stderr
    assert "weights.safetensors is damaged" in result.stderr


def test_a_missing_pretrained_run_is_told(genvae: Genvae, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "__file__", str(tmp_path / "__init__.py"))
    result = genvae("doctor", "--json")
    assert result.exit_code == 1
    assert "no pretrained run" in json.loads(result.stdout)["generation"]["error"]
