"""The API of a run that can be asked for attributes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import genvae
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.web.app import create_app
from genvae.web.engine import Engine

ASKED = {"key": "D", "tempo": 128.0}


@pytest.fixture(scope="module")
def client(asked_run_path: Path) -> Iterator[TestClient]:
    with TestClient(create_app([Engine(Run(asked_run_path), installed())]), base_url="http://127.0.0.1:8000") as found:
        yield found


def test_info_says_what_can_be_asked_for(client: TestClient) -> None:
    key, tempo = client.get("/api/info").json()["attributes"]
    assert key["words"] == ["C", "D"]
    assert (tempo["name"], tempo["unit"], tempo["least"], tempo["most"]) == ("tempo", "beats a minute", 60, 180)


def test_sounds_are_those_of_the_library_by_either_way(client: TestClient, asked_run_path: Path) -> None:
    expected = genvae.load(asked_run_path).generate("rock", seed=5, attributes=ASKED).wav()
    query = {"genre": "rock", "seed": 5, "attributes": ["tempo=128", "key=D"]}
    assert client.get("/api/generate", params=query).content == expected
    source = {"genre": "rock", "seed": 5, "attributes": ASKED}
    assert client.post("/api/decode", json={"source": source}).content == expected


def test_a_mix_a_latent_and_a_path_are_asked_for_too(client: TestClient) -> None:
    latent = client.post("/api/place", json={"source": {"genre": "rock", "seed": 5}}).json()["clips"][0]["latent"]
    for source in ({"mix": {"rock": 0.5, "techno": 0.5}}, {"genre": "rock", "latent": latent}):
        plain = client.post("/api/decode", json={"source": source})
        asked = client.post("/api/decode", json={"source": {**source, "attributes": ASKED}})
        assert asked.status_code == 200
        assert asked.content != plain.content
    ends = {"start": {"genre": "rock", "attributes": ASKED}, "end": {"genre": "techno"}, "steps": 2}
    assert b'"tempo":128.0' in client.post("/api/interpolate", json=ends).content


@pytest.mark.parametrize("asked", ["tempo=999", "mood=1", "tempo=nan", "tempo=1\n28"])
def test_what_the_run_does_not_know_is_refused_in_a_sentence(client: TestClient, asked: str) -> None:
    answer = client.get("/api/generate", params={"genre": "rock", "attributes": asked})
    assert answer.status_code == 400
    assert answer.json()["detail"].endswith(".")


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, "x" * 300])
def test_a_value_that_is_neither_number_nor_word_is_refused(client: TestClient, value: object) -> None:
    source = {"genre": "rock", "attributes": {"tempo": value}}
    assert client.post("/api/decode", json={"source": source}).status_code == 422


def test_what_is_kept_is_told_apart_by_what_was_asked_for(client: TestClient) -> None:
    tags = {
        client.get("/api/generate", params={"genre": "rock", "seed": 5, "attributes": asked}).headers["ETag"]
        for asked in ([], ["tempo=128"], ["tempo=90"], ["tempo=128", "key=D"])
    }
    assert len(tags) == 4


@pytest.mark.parametrize("text", ["tempo", "=128", "tempo=", ""])
def test_what_is_no_name_with_a_value_is_not_what_the_description_says(client: TestClient, text: str) -> None:
    answer = client.get("/api/generate", params={"genre": "rock", "seed": 5, "attributes": [text]})
    assert answer.status_code == 422
    described = client.get("/api/openapi.json").json()["paths"]["/api/generate"]["get"]["parameters"]
    [asked] = [each["schema"] for each in described if each["name"] == "attributes"]
    [array] = [each for each in asked["anyOf"] if each["type"] == "array"]
    assert not re.search(array["items"]["pattern"], text)


@pytest.mark.parametrize("asked", [{"tempo": 999}, {"mood": 1}])
def test_what_is_asked_where_it_is_not_heard_must_be_known_as_well(client: TestClient, asked: object) -> None:
    plain = {"genre": "rock"}
    for path in ("interpolate", "place"):
        for ends in ({"start": plain, "end": {**plain, "attributes": asked}}, {"start": plain, "end": plain}):
            answer = client.post(f"/api/{path}", json={**ends, "steps": 2})
            assert answer.status_code == (400 if "attributes" in ends["end"] else 200)
    assert client.post("/api/place", json={"source": {**plain, "attributes": asked}}).status_code == 400
