"""Several processes that make sounds behind one server: the same bytes, one health, and deaths that cost one answer."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import make_run
from served import engine, mapped_run  # noqa: F401  # fixtures
from test_connections import serving, until

from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.verbs import load
from genvae.web import schema
from genvae.web.app import create_app
from genvae.web.elsewhere import takes_check
from genvae.web.engine import Engine
from genvae.web.processes import Processes
from genvae.web.shared_weights import use_shared, write_shared
from genvae.web.worker import Abandoned, Lost, ModelWorker

LONG = 60.0  # seconds, on a machine with other work


@pytest.fixture
def own_engine(mapped_run: Run) -> Engine:
    """One that may be given processes."""
    return Engine(mapped_run, installed())


@contextmanager
def computing(engine: Engine, count: int = 1) -> Iterator[Processes]:
    processes = Processes([engine], count)
    try:
        yield processes
    finally:
        processes.close()
        engine.elsewhere = None


def answer(address: tuple[str, int], path: str, body: object = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*address, timeout=LONG)
    headers = {"Host": "localhost", "Content-Type": "application/json"}
    connection.request("POST" if body else "GET", path, json.dumps(body) if body else None, headers)
    got = connection.getresponse()
    try:
        return got.status, got.read()
    finally:
        connection.close()


def test_weights_that_are_shared_make_the_same_bytes_and_lie_in_the_file(mapped_run: Run, tmp_path: Path) -> None:
    own, shared = load(mapped_run), load(mapped_run)
    write_shared(own.pipeline, tmp_path / "weights.safetensors")
    size = sum(each.nbytes for each in own.pipeline.state_dict().values())
    assert use_shared(shared.pipeline, tmp_path / "weights.safetensors") == size
    for ours, theirs in zip(own.pipeline.state_dict().values(), shared.pipeline.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)
        assert ours.stride() == theirs.stride()
        assert theirs.data_ptr() % 64 == 0
    for seed in range(3):
        assert own.generate("rock", seed=seed).wav() == shared.generate("rock", seed=seed).wav()
    if sys.platform == "linux":
        maps = [line for line in Path("/proc/self/maps").read_text().splitlines() if "weights.safetensors" in line]
        ranges = [tuple(int(edge, 16) for edge in line.split()[0].split("-")) for line in maps]
        for tensor in shared.pipeline.state_dict().values():
            assert any(low <= tensor.data_ptr() < high for low, high in ranges)


def test_what_is_asked_of_an_engine_is_computed_elsewhere(own_engine: Engine) -> None:
    asked: list[tuple[Any, ...]] = []

    def elsewhere(*call: Any) -> bytes:
        asked.append(call)
        return b"made elsewhere"

    own_engine.elsewhere = elsewhere
    options = {"seed": 1, "index": 0, "temperature": 1.0, "vocoder": None}
    assert own_engine.generate("rock", **options) == b"made elsewhere"  # type: ignore[arg-type]
    assert asked == [(own_engine.digest, "generate", ("rock",), options, None)]
    assert takes_check(own_engine.path)
    assert not takes_check(own_engine.generate)


def test_a_process_that_dies_costs_one_answer_of_503_and_is_replaced(own_engine: Engine, mapped_run: Run) -> None:
    path = "/api/generate?genre=rock&seed=3"
    expected = load(mapped_run).generate("rock", seed=3).wav()
    with computing(own_engine) as processes:
        worker = ModelWorker(processes=processes)
        with serving(own_engine, worker) as address:
            assert answer(address, path) == (200, expected)
            [pid] = processes.pids
            os.kill(pid, signal.SIGSTOP)  # so that it is sure to be at the sound when it dies
            got: list[tuple[int, bytes]] = []
            asking = threading.Thread(target=lambda: got.append(answer(address, path)))
            asking.start()
            until(lambda: worker.pending == 1, "it was not asked")
            os.kill(pid, signal.SIGKILL)
            asking.join(LONG)
            [(status, text)] = got
            assert status == 503
            assert b"another is being started" in text
            until(lambda: processes.ready == 1, "it was not replaced", seconds=LONG)
            assert processes.pids != [pid]
            assert answer(address, path) == (200, expected)
            health = json.loads(answer(address, "/api/health")[1])
            assert (health["status"], health["workers"], health["ready"], health["replaced"]) == ("ok", 1, 1, 1)


@pytest.mark.slow
def test_every_process_gives_every_answer_that_the_server_itself_gives(own_engine: Engine, mapped_run: Run) -> None:
    alone = Engine(mapped_run, installed())
    start, end = schema.Source(genre="rock", seed=1), schema.Source(genre="techno", seed=2)
    source = schema.Source(map="pca", point=(0.1, 0.2))
    wave = torch.from_numpy(alone.wave("rock", 5, alone.default))
    with computing(own_engine, 2) as processes:
        assert len(processes.pids) == 2
        asked = []
        for each in (alone, own_engine, own_engine):  # of two that are free, each has its turn
            asked.append(
                [
                    each.generate("rock", seed=1, index=2, temperature=0.7, vocoder=None),
                    each.decode_each([source], None),
                    each.path(schema.PathRequest(start=start, end=end, steps=3)),
                    each.reconstruct(wave, "rock", None, [1.0]),
                    each.place_wave(wave),
                    each.place(schema.PlaceRequest(source=source)),
                    each.heard("rock", 4),
                    each.stage("rock", 4, "mean"),
                    each.wave("rock", 9, each.default).tobytes(),
                    each.explain(),
                ]
            )
        assert asked[0] == asked[1] == asked[2]
        with pytest.raises(Exception, match="no vocoder 'other'"):
            own_engine.decode_each([source], "other")
        with pytest.raises(RuntimeError, match="AttributeError"):
            own_engine.decode_each([None], None)  # type: ignore[list-item]
        assert processes.ready == 2
        assert own_engine.measure()
        assert own_engine.directions()[0].measured > 0


@pytest.mark.slow
def test_what_nobody_waits_for_ends_in_its_process_and_what_waits_goes_to_another(
    own_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genvae.web.processes._LOOK", 0.0)  # so that it is given up before it can be done
    ends = {"start": schema.Source(genre="rock", seed=1), "end": schema.Source(genre="techno", seed=2)}
    options = {"seed": 1, "index": 0, "temperature": 1.0, "vocoder": None}
    with computing(own_engine, 2) as processes:

        def unwanted(*_: object) -> None:
            raise Abandoned

        with pytest.raises(Abandoned):
            own_engine.path(schema.PathRequest(**ends, steps=16), check=unwanted)
        for _ in range(4):  # whatever was left on the way is not taken for a call
            assert own_engine.generate("rock", **options)[:4] == b"RIFF"  # type: ignore[arg-type]
        first, second = processes.pids
        os.kill(first, signal.SIGKILL)
        until(lambda: processes.pids not in ([first, second], []), "its death was not noticed", seconds=LONG)
        assert own_engine.generate("rock", **options)[:4] == b"RIFF"  # type: ignore[arg-type]
        for pid in processes.pids:
            os.kill(pid, signal.SIGKILL)
        until(lambda: processes.ready == 0, "their deaths were not noticed", seconds=LONG)
        with pytest.raises(Lost):
            own_engine.generate("rock", **options)  # type: ignore[arg-type]
        until(lambda: processes.ready == 2, "they were not replaced", seconds=2 * LONG)


def test_a_server_whose_processes_are_all_gone_says_that_it_is_down(own_engine: Engine) -> None:
    class Gone:
        count, ready, replaced = 2, 0, 3

        def close(self) -> None: ...

    with serving(own_engine, ModelWorker(processes=Gone())) as address:  # type: ignore[arg-type]
        status, text = answer(address, "/api/health")
    assert status == 503
    assert json.loads(text) == {
        "status": "down",
        "pending": 0,
        "capacity": 64,
        "workers": 2,
        "ready": 0,
        "replaced": 3,
    }
    described = json.dumps(create_app([own_engine])._app.openapi()["paths"]["/api/health"])  # type: ignore[attr-defined]
    assert '"503"' in described


def test_a_run_that_has_changed_since_is_refused(own_engine: Engine, tmp_path: Path) -> None:
    own_engine._run = make_run(tmp_path / "other", seed=1)  # of which the processes load what lies there
    with pytest.raises(Exception, match="has changed since the server was started"):
        Processes([own_engine], 1)
    assert own_engine.elsewhere is None


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_all", [False, True], ids=["to the server", "to all"])
def test_a_signal_ends_the_server_and_its_processes_quietly(
    mapped_run: Run, number: signal.Signals, to_all: bool
) -> None:
    command = [sys.executable, "-m", "genvae", "serve", "--run", str(mapped_run.path), "--port", "0", "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    said = process.stderr.readline()
    found = re.search(r"http://(\S+):(\d+)/", said)
    assert found, said
    assert answer((found[1], int(found[2])), "/api/generate?genre=rock&seed=1")[0] == 200
    (os.killpg if to_all else os.kill)(process.pid, number)
    _, rest = process.communicate(timeout=LONG)  # which ends when none has its standard error any more
    assert rest == ""
