from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Genvae, make_run

from genvae.audio import wav
from genvae.run import Run
from genvae.synthesis import provenance


@pytest.fixture
def clip(genvae: Genvae, tiny_run_path: Path) -> Path:
    order = ["--genre", "drum & bass", "--seed", "3", "--temperature", "0.7", "--set", "vocoder.iterations=5"]
    genvae("generate", "--run", tiny_run_path, *order, "-o", "clip.wav")
    return Path("clip.wav")


def test_the_bytes_are_the_same(genvae: Genvae, tiny_run_path: Path, clip: Path) -> None:
    result = genvae("regenerate", clip, "--run", tiny_run_path, "-o", "again.wav")
    assert result.exit_code == 0
    assert result.stdout == "again.wav\n"
    assert Path("again.wav").read_bytes() == clip.read_bytes()


def test_without_an_output_it_compares_and_writes_nothing(genvae: Genvae, tiny_run_path: Path, clip: Path) -> None:
    result = genvae("regenerate", clip, "--run", tiny_run_path, "--json")
    assert json.loads(result.stdout) == {"path": "clip.wav", "same": True, "run": Run(tiny_run_path).digest()}
    assert [path.name for path in Path().iterdir()] == ["clip.wav"]


def test_another_run_is_an_error_that_names_both(genvae: Genvae, tmp_path: Path, clip: Path) -> None:
    other = make_run(tmp_path / "other", seed=1)
    result = genvae("regenerate", clip, "--run", other.path)
    assert result.exit_code == 4
    assert other.digest() in result.stderr
    assert provenance.read(clip).run in result.stderr


def test_a_changed_sound_is_an_error_and_the_original_is_made(genvae: Genvae, tiny_run_path: Path, clip: Path) -> None:
    original = clip.read_bytes()
    clip.write_bytes(original[:200] + bytes(50) + original[250:])
    result = genvae("regenerate", clip, "--run", tiny_run_path, "-o", "again.wav")
    assert result.exit_code == 4
    assert "holds other bytes than its run makes here" in result.stderr
    assert Path("again.wav").read_bytes() == original


def test_the_version_that_differs_is_named_where_the_bytes_differ(
    genvae: Genvae, tiny_run_path: Path, clip: Path
) -> None:
    told = provenance.read(clip)
    older = provenance.Provenance(**{**vars(told), "versions": {**told.versions, "torch": "1.0"}})
    clip.write_bytes(wav.encode(np.zeros(4096, np.float32), 8000, older.info()))
    result = genvae("regenerate", clip, "--run", tiny_run_path)
    assert result.exit_code == 4
    assert f"torch {told.versions['torch']} instead of 1.0" in result.stderr


def test_a_file_made_by_something_else_is_told(genvae: Genvae) -> None:
    Path("mine.wav").write_bytes(wav.encode(np.zeros(10, np.float32), 8000))
    result = genvae("regenerate", "mine.wav")
    assert result.exit_code == 3
    assert "mine.wav was not made by genvae" in result.stderr


def test_a_missing_file_is_told(genvae: Genvae) -> None:
    result = genvae("regenerate", "nowhere.wav")
    assert result.exit_code == 3
    assert "nowhere.wav can't be read" in result.stderr


def test_a_vocoder_that_is_not_installed_is_named(genvae: Genvae, tiny_run_path: Path, clip: Path) -> None:
    told = provenance.read(clip)
    vocoder = {**told.vocoder, "plugin": "dream", "distribution": "genvae-dream", "version": "3"}
    clip.write_bytes(
        wav.encode(np.zeros(10, np.float32), 8000, provenance.Provenance(**{**vars(told), "vocoder": vocoder}).info())
    )
    result = genvae("regenerate", clip, "--run", tiny_run_path)
    assert result.exit_code == 6
    assert "pip install genvae-dream" in result.stderr


def test_a_file_that_asks_for_more_rounds_than_there_may_be_is_refused(
    genvae: Genvae, tiny_run_path: Path, clip: Path
) -> None:
    told = provenance.read(clip)
    vocoder = {**told.vocoder, "options": {**told.vocoder["options"], "iterations": 10**9}}
    asking = provenance.Provenance(**{**vars(told), "vocoder": vocoder})
    clip.write_bytes(wav.encode(np.zeros(10, np.float32), 8000, asking.info()))
    result = genvae("regenerate", clip, "--run", tiny_run_path)
    assert result.exit_code in (2, 3, 4)
    assert "iterations takes a whole number from 0 to 100000" in result.stderr
