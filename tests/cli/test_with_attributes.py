"""`genvae generate --with`: what is asked for, in the file's name and inside, and what is refused in a line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Genvae

import genvae as library


def test_the_clip_is_that_of_python_and_is_made_again(genvae: Genvae, asked_run_path: Path) -> None:
    asked = ["--with", "tempo=128", "--with", "key=C"]
    result = genvae("generate", "--run", asked_run_path, "--genre", "rock", "--seed", 7, *asked)
    assert result.exit_code == 0, result.output
    [name] = result.stdout.splitlines()
    assert name == "rock-key-C-tempo-128-s7-000.wav"
    clip = library.load(asked_run_path).generate("rock", seed=7, attributes={"tempo": 128, "key": "C"})
    assert Path(name).read_bytes() == clip.wav()
    told = json.loads(genvae("info", name, "--json").stdout)
    assert told["attributes"] == {"key": "C", "tempo": 128.0}
    assert genvae("regenerate", name, "--run", asked_run_path).exit_code == 0
    again = genvae("generate", "--run", asked_run_path, "--genre", "rock", "--seed", 7, *asked)
    assert again.exit_code == 0, again.output


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("tempo=400", "Error: tempo=400: this run knows tempo from 60 to 180 beats a minute."),
        ("mood=3", "Error: This run knows no attribute 'mood'. It knows key (C or D), tempo (from 60 to 180 beats"),
        ("tempo", "Error: 'tempo' is no attribute with a value: write NAME=VALUE, for example tempo=128."),
    ],
)
def test_what_can_not_be_asked_for_is_one_line(genvae: Genvae, asked_run_path: Path, asked: str, said: str) -> None:
    result = genvae("generate", "--run", asked_run_path, "--genre", "rock", "--with", asked)
    assert result.exit_code == 2
    assert result.stderr.startswith(said)
    assert len(result.stderr.splitlines()) == 1


def test_info_says_what_a_run_can_be_asked_for(genvae: Genvae, asked_run_path: Path) -> None:
    said = genvae("info", asked_run_path).stdout
    assert "attributes.tempo.most" in said
    assert "attributes.key.words" in said


def test_prepare_and_train_take_names_with_commas(genvae: Genvae, tmp_path: Path) -> None:
    songs = ["--dataset", "synthetic", "--set", "dataset.recordings=1", "--set", "dataset.seconds=3"]
    store = tmp_path / "store"
    result = genvae(
        "prepare",
        "any",
        "--out",
        store,
        *songs,
        "--sample-rate",
        8000,
        "--workers",
        1,
        "--attributes",
        "tempo,loudness",
    )
    assert result.exit_code == 0, result.output
    assert "loudness" in result.stdout
    assert json.loads(genvae("info", store, "--json").stdout)["attributes"]["tempo"]["clips"] == 9
    refused = genvae("train", store, "--run", tmp_path / "run", "--model", "wae", "--attributes", "tempo", "--steps", 1)
    assert refused.exit_code == 2
    assert "'wae' takes no --attributes. Those that do: conv-vae" in refused.stderr.replace("beta-vae, ", "")
    unknown = genvae("train", store, "--run", tmp_path / "run", "--attributes", "key", "--steps", 1)
    assert unknown.exit_code == 2
    assert f"Try: genvae prepare MUSIC --out {store} --attributes key" in unknown.stderr
