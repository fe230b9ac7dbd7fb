from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genvae.audio import wav
from genvae.errors import AudioError
from genvae.synthesis import provenance
from genvae.synthesis.provenance import Provenance, Waypoint

VOCODER = {"plugin": "griffin-lim", "distribution": "genvae", "version": "1", "options": {"iterations": 4}}
GOOD: dict[str, Any] = {
    "run": "0123456789abcdef",
    "genre": "techno",
    "seed": 1,
    "index": 2,
    "temperature": 1.0,
    "vocoder": VOCODER,
    "versions": {"genvae": "1", "torch": "2"},
}


def written(path: Path, info: dict[str, str]) -> Path:
    path.write_bytes(wav.encode(np.zeros(10, np.float32), 8000, info))
    return path


@given(genre=st.text(), seed=st.integers(0, 2**63 - 1), temperature=st.floats(0, 1e6))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, genre: str, seed: int, temperature: float
) -> None:
    made = Provenance(**{**GOOD, "genre": genre, "seed": seed, "temperature": temperature})
    assert provenance.read(written(tmp_path_factory.getbasetemp() / "p.wav", made.info())) == made


def test_a_genre_in_any_script_survives(tmp_path: Path) -> None:
    made = Provenance(**{**GOOD, "genre": "Müsik/näht 🎹 \udcff"})
    assert provenance.read(written(tmp_path / "p.wav", made.info())).genre == "Müsik/näht 🎹 \udcff"


@pytest.mark.parametrize("comment", ["", "made with love", "{", "[]", "{}", '{"a": 1}', "[" * 60000, "{" + " " * 70000])
def test_a_wav_of_somebody_else_was_not_made_by_genvae(tmp_path: Path, comment: str) -> None:
    with pytest.raises(AudioError, match=r"p.wav was not made by genvae"):
        provenance.read(written(tmp_path / "p.wav", {"ICMT": comment}))


@pytest.mark.parametrize(
    "change",
    [
        {"genvae": 2},
        {"run": "../../etc/passwd"},
        {"run": 5},
        {"genre": None},
        {"seed": -1},
        {"seed": True},
        {"seed": 2**63},
        {"index": 1.5},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"temperature": -1},
        {"temperature": "1"},
        {"vocoder": "griffin-lim"},
        {"vocoder": {**VOCODER, "options": 3}},
        {"vocoder": {**VOCODER, "plugin": 3}},
        {"vocoder": {"plugin": "x"}},
        {"versions": {}},
        {"versions": {"genvae": 1}},
        {"versions": {"genvae": "ü"}},
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_an_error(tmp_path: Path, change: dict[str, Any]) -> None:
    comment = json.dumps({"genvae": 1, **GOOD, **change})
    with pytest.raises(AudioError, match=r"p.wav does not say properly what made it: \w"):
        provenance.read(written(tmp_path / "p.wav", {"ICMT": comment}))


def test_a_path_and_a_length_are_written_and_read_back(tmp_path: Path) -> None:
    latent = np.array([0.1, -2.5, 3e-8], np.float32)
    on_the_way = Provenance(**GOOD, waypoints=(Waypoint.of("a", latent), Waypoint.of("b", -latent)), at=0.25)
    read = provenance.read(written(tmp_path / "p.wav", on_the_way.info()))
    assert read == on_the_way
    assert read.waypoints is not None
    assert (read.waypoints[0].values() == latent).all()
    longer = Provenance(**GOOD, seconds=7.5)
    assert provenance.read(written(tmp_path / "q.wav", longer.info())) == longer


@pytest.mark.parametrize(
    "change",
    [
        {"waypoints": []},
        {"waypoints": "techno"},
        {"waypoints": [{"genre": "a", "latent": "not base64"}]},
        {"waypoints": [{"genre": "a", "latent": "AAA="}]},  # two bytes are no float
        {"waypoints": [{"genre": "a", "latent": "AADAfw=="}]},  # not a number
        {"at": 1.5},
        {"at": float("nan")},
        {"seconds": -1},
        {"seconds": True},
        {"seconds": 1e9},
    ],
)
def test_a_path_that_is_none_is_an_error(tmp_path: Path, change: dict[str, Any]) -> None:
    comment = json.dumps({"genvae": 1, **GOOD, **change})
    with pytest.raises(AudioError, match=r"p.wav does not say properly what made it: \w"):
        provenance.read(written(tmp_path / "p.wav", {"ICMT": comment}))


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_field_is_named(tmp_path: Path, name: str) -> None:
    comment = json.dumps({"genvae": 1, **{key: value for key, value in GOOD.items() if key != name}})
    with pytest.raises(AudioError, match=f"its {name} is missing"):
        provenance.read(written(tmp_path / "p.wav", {"ICMT": comment}))


def test_differing_versions_are_named() -> None:
    other = Provenance(**{**GOOD, "versions": {"genvae": "1", "torch": "3"}})
    assert Provenance(**GOOD).differing_versions(other) == "torch 2 instead of 3"
    assert other.differing_versions(other) == ""
