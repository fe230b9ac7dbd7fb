"""`--with`: what is asked for, in the file's name and inside, and what is refused in a line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import Genvae, make_run

import genvae as library
from genvae.attributes import Attribute


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


def test_tags_may_be_asked_for_one_by_one(genvae: Genvae, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", attributes=(Attribute(name="tags", words=("dark", "fast", "live"), several=True),))
    for asked in (["--with", "tags=live", "--with", "tags=dark"], ["--with", "tags=dark;live"]):
        result = genvae("generate", "--run", run.path, "--genre", "rock", "--seed", 7, *asked, "--json")
        assert result.exit_code == 0, result.output
        [told] = json.loads(result.stdout)
        assert told["attributes"] == {"tags": "dark;live"}
        assert told["path"] == "rock-tags-dark-live-s7-000.wav"
    assert genvae("regenerate", told["path"], "--run", run.path).exit_code == 0
    refused = genvae("generate", "--run", run.path, "--genre", "rock", "--with", "tags=loud")
    assert refused.stderr == "Error: tags=loud: this run knows tags as any of dark, fast, live.\n"


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


def test_a_reconstruction_and_a_way_between_sounds_are_asked_as_python_asks(
    genvae: Genvae, asked_run_path: Path
) -> None:
    asked = {"tempo": 128, "key": "C"}
    typed = ["--run", asked_run_path, "--with", "tempo=128", "--with", "key=C", "--json"]
    synthesizer = library.load(asked_run_path)
    song = synthesizer.generate("rock", seed=3).save("song.wav")

    result = genvae("reconstruct", song, "-o", "out", "--genre", "techno", *typed)
    assert result.exit_code == 0, result.output
    [told] = json.loads(result.stdout)
    assert told["path"] == str(Path("out") / "song-reconstruction-key-C-tempo-128.wav")
    assert told["attributes"] == {"key": "C", "tempo": 128.0}
    made = synthesizer.reconstruct(song, "techno", attributes=asked)
    assert made.attributes == told["attributes"]
    assert Path(told["path"]).read_bytes() == made.wav()
    [plain] = json.loads(
        genvae("reconstruct", song, "-o", "out", "--genre", "techno", "--run", asked_run_path, "--json").stdout
    )
    assert "attributes" not in plain
    assert Path(plain["path"]).read_bytes() == synthesizer.reconstruct(song, "techno").wav() != made.wav()

    result = genvae("interpolate", "--from", "rock@1", "--to", song, "--steps", "3", *typed)
    assert result.exit_code == 0, result.output
    steps = json.loads(result.stdout)
    assert [Path(step["path"]).name for step in steps] == [
        f"rock-s1-to-song-key-C-tempo-128-00{number}.wav" for number in range(3)
    ]
    assert [step["attributes"] for step in steps] == [{"key": "C", "tempo": 128.0}] * 3
    assert genvae("regenerate", steps[1]["path"], "--run", asked_run_path).exit_code == 0
    first = synthesizer.generate("rock", seed=1, attributes=asked)
    np.testing.assert_array_equal(soundfile.read(steps[0]["path"])[0], soundfile.read(first.save("first.wav"))[0])
    assert synthesizer.with_attributes(asked).interpolate("rock@1", str(song), seconds=2).wav() == (
        synthesizer.interpolate("rock@1", str(song), seconds=2, attributes=asked).wav()
    )


@pytest.mark.parametrize(
    "command", [["reconstruct", "a.wav", "-o", "out"], ["interpolate", "--from", "a", "--to", "b"]]
)
def test_they_refuse_what_the_run_does_not_know(genvae: Genvae, asked_run_path: Path, command: list[str]) -> None:
    result = genvae(*command, "--run", asked_run_path, "--with", "mood=3")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: This run knows no attribute 'mood'. It knows key (C or D), tempo (from 60")
