"""What waits is made side by side, and everybody gets what they would have got alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from served import engine, mapped_run  # noqa: F401  # fixtures
from starlette.testclient import TestClient

from genvae.run import Run
from genvae.synthesis.synthesizer import Draw
from genvae.verbs import load
from genvae.web.app import create_app
from genvae.web.engine import Engine
from genvae.web.gathering import Gathering
from genvae.web.schema import Source
from genvae.web.worker import ModelWorker


class Doubler:
    """Doubles numbers, and keeps which it was handed together; it can't double 13."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.groups.append(list(numbers))
        if 13 in numbers:
            raise ValueError("13")
        return [2 * number for number in numbers]


def jobs(
    gathering: Gathering[int, int], stack: ExitStack, numbers: Sequence[int], make: Doubler, key: str = ""
) -> list[Callable[[], int]]:
    wishes = [stack.enter_context(gathering.wish(key, number, make)) for number in numbers]
    return [lambda wish=wish: wish(lambda *_: None) for wish in wishes]  # type: ignore[misc]


def test_what_waits_is_made_in_groups_and_each_gets_its_own() -> None:
    make = Doubler()
    with ExitStack() as stack:
        waiting = jobs(Gathering(4, lambda: 1), stack, range(10), make)
        assert [job() for job in waiting] == [2 * number for number in range(10)]
    assert make.groups == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_what_can_not_be_made_side_by_side_is_not() -> None:
    make, gathering = Doubler(), Gathering[int, int](4, lambda: 1)
    with ExitStack() as stack:
        waiting = jobs(gathering, stack, [1, 2], make, "a") + jobs(gathering, stack, [3], make, "b")
        assert [job() for job in waiting] == [2, 4, 6]
    assert make.groups == [[1, 2], [3]]


def test_whoever_has_gone_is_not_in_a_group() -> None:
    make, gathering = Doubler(), Gathering[int, int](4, lambda: 1)
    with ExitStack() as stack:
        [first] = jobs(gathering, stack, [1], make)
        with gathering.wish("", 2, make):
            pass
        assert first() == 2
    assert make.groups == [[1]]


def test_one_that_can_not_be_made_fails_alone() -> None:
    make = Doubler()
    with ExitStack() as stack:
        good, bad, other = jobs(Gathering(4, lambda: 1), stack, [1, 13, 2], make)
        assert good() == 2
        with pytest.raises(ValueError, match="13"):
            bad()
        assert other() == 4
    assert make.groups == [[1, 13, 2], [1], [13], [2]]


def test_each_of_several_workers_takes_its_share_while_others_wait_for_theirs() -> None:
    meeting = threading.Barrier(2, timeout=20)  # passed by two that are at work at once
    groups: list[list[int]] = []

    def make(numbers: Sequence[int]) -> list[int]:
        groups.append(list(numbers))
        meeting.wait()
        return [2 * number for number in numbers]

    gathering = Gathering[int, int](16, lambda: 2)
    with ExitStack() as stack, ThreadPoolExecutor(6) as pool:
        wishes = [stack.enter_context(gathering.wish("", number, make)) for number in range(3)]
        made = [pool.submit(wish, lambda *_: None) for wish in wishes]
        assert [each.result(timeout=20) for each in made] == [0, 2, 4]
    assert sorted(map(len, groups)) == [1, 2]


def test_sounds_that_wait_at_a_server_are_made_together_and_are_those_of_each_alone(
    engine: Engine,
    mapped_run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, sizes, make = threading.Event(), list[int](), engine.generate_each

    def gated(draws: Sequence[Draw], **options: object) -> list[bytes]:
        sizes.append(len(draws))
        assert gate.wait(30)
        return make(draws, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(engine, "generate_each", gated)
    asked = [(genre, seed) for seed in (3, 4) for genre in ("rock", "techno")]
    with (
        TestClient(create_app([engine], worker=ModelWorker()), base_url="http://localhost") as client,
        ThreadPoolExecutor(5) as pool,
    ):
        answers = [pool.submit(client.get, "/api/generate?genre=rock&seed=1")]
        _until(lambda: bool(sizes))  # so that the others wait
        answers += [pool.submit(client.get, f"/api/generate?genre={genre}&seed={seed}") for genre, seed in asked]
        _until(lambda: client.get("/api/health").json()["pending"] == 5)
        gate.set()
        bodies = [each.result().content for each in answers]
    assert sizes == [1, 4]
    alone = load(mapped_run)
    assert bodies == [alone.generate(genre, seed=seed).wav() for genre, seed in [("rock", 1), *asked]]


def test_sources_that_wait_to_be_decoded_are_made_together_and_are_those_of_each_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, sizes, make = threading.Event(), list[int](), engine.decode_each

    def gated(sources: Sequence[Source], vocoder: str | None) -> list[bytes]:
        sizes.append(len(sources))
        assert gate.wait(30)
        return make(sources, vocoder)

    latent = [0.1] * engine.latent_dim
    asked: list[dict[str, object]] = [
        {"genre": "rock", "seed": 1},
        {"genre": "rock", "seed": 1, "variations": [7]},
        {"genre": "techno", "latent": latent, "seed": 2},
        {"mix": {"rock": 0.5, "techno": 0.5}, "seed": 3},
        {"map": "pca", "point": [0.0, 0.0]},
    ]
    with TestClient(create_app([engine], worker=ModelWorker()), base_url="http://localhost") as client:

        def decoded(source: dict[str, object]) -> tuple[int, bytes]:
            answer = client.post("/api/decode", json={"source": source})
            return answer.status_code, answer.content

        alone = [decoded(source) for source in asked]
        monkeypatch.setattr(engine, "decode_each", gated)
        with ThreadPoolExecutor(len(asked) + 2) as pool:
            answers = [pool.submit(decoded, asked[0])]
            _until(lambda: bool(sizes))  # so that the others wait
            answers += [pool.submit(decoded, source) for source in asked[1:]]
            wrong = pool.submit(decoded, {"genre": "rock", "latent": latent[1:]})
            _until(lambda: client.get("/api/health").json()["pending"] == len(asked) + 1)
            gate.set()
            together = [each.result() for each in answers]
    assert [status for status, _ in alone] == [200] * len(asked)
    assert together == alone
    assert wrong.result()[0] == 400
    assert sizes[:2] == [1, len(asked)]


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)
