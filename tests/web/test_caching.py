"""What may be kept of an answer: a sound of a seed for ever where the address says all, and by its tag elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from served import engine, mapped_run  # noqa: F401  # fixtures
from starlette.testclient import TestClient

from genvae.web.app import create_app
from genvae.web.engine import Engine

HERE = "http://localhost"
ASKED = {"genre": "rock", "seed": 5}


@pytest.fixture
def client(engine: Engine) -> Iterator[TestClient]:
    with TestClient(create_app([engine]), base_url=HERE) as client:
        yield client


def test_a_sound_whose_address_says_all_never_changes(client: TestClient, engine: Engine) -> None:
    answer = client.get("/api/generate", params={**ASKED, "run": engine.digest})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.content[:4] == b"RIFF"


def test_a_sound_of_whatever_run_is_served_is_asked_for_again_and_not_made_again(
    client: TestClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.get("/api/generate", params=ASKED)
    assert answer.headers["cache-control"] == "public, no-cache"
    known = {"If-None-Match": f'"other", {answer.headers["etag"]}'}
    monkeypatch.setattr(engine, "generate_each", lambda *_, **__: pytest.fail("it is made again"))
    again = client.get("/api/generate", params=ASKED, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    assert again.headers["cache-control"] == "public, no-cache"


@pytest.mark.parametrize("other", [{"seed": 6}, {"genre": "techno"}, {"index": 1}, {"temperature": 0.9}])
def test_another_sound_has_another_tag(client: TestClient, other: dict[str, object]) -> None:
    tag = client.get("/api/generate", params=ASKED).headers["etag"]
    answer = client.get("/api/generate", params={**ASKED, **other}, headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.headers["etag"] != tag


def test_another_vocoder_has_another_tag(client: TestClient) -> None:
    own, other = (client.get("/api/generate", params={**ASKED, **more}) for more in ({}, {"vocoder": "spsi"}))
    assert own.content != other.content
    assert own.headers["etag"] != other.headers["etag"]


def test_stages_of_the_lesson_have_tags_of_their_own(client: TestClient) -> None:
    made, mean = (client.get("/api/lesson/stage", params={**ASKED, "stage": stage}) for stage in ("made", "mean"))
    assert made.headers["cache-control"] == "public, no-cache"
    assert made.headers["etag"] != mean.headers["etag"]
    known = client.get(
        "/api/lesson/stage", params={**ASKED, "stage": "mean"}, headers={"If-None-Match": mean.headers["etag"]}
    )
    assert known.status_code == 304


def test_a_sound_that_is_drawn_anew_is_not_kept_nor_is_a_refusal(client: TestClient, engine: Engine) -> None:
    drawn = client.get("/api/generate", params={"genre": "rock", "run": engine.digest})
    assert drawn.headers["cache-control"] == "no-store"
    assert "etag" not in drawn.headers
    refused = client.get("/api/generate", params={"genre": "none", "seed": 1, "run": engine.digest})
    assert (refused.status_code, refused.headers["cache-control"]) == (400, "no-store")


def test_what_a_token_guards_is_kept_by_no_proxy(engine: Engine) -> None:
    with TestClient(create_app([engine], token="secret"), base_url=HERE) as client:
        answer = client.get(
            "/api/generate", params={**ASKED, "run": engine.digest}, headers={"Authorization": "Bearer secret"}
        )
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
