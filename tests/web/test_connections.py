"""The server on real sockets: callers who go, dawdle, or come in crowds, and its end."""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from served import engine, mapped_run  # noqa: F401  # fixtures

from genvae.run import Run
from genvae.synthesis.synthesizer import Draw
from genvae.web import connections, uploads
from genvae.web.app import create_app
from genvae.web.connections import server
from genvae.web.engine import Engine
from genvae.web.worker import ModelWorker

ASK = b"GET /api/generate?genre=rock&seed=%d HTTP/1.1\r\nHost: localhost\r\n\r\n"


def until(true: Callable[[], bool], why: str, *, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, why
        time.sleep(0.01)


class Slow:
    """What stands in for an engine's work: it goes on until it is let, or until nobody wants it."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.gate = threading.Event()

    def generate_each(self, draws: Sequence[Draw], **_: object) -> list[bytes]:
        self.begun += [each.seed for each in draws]
        assert self.gate.wait(20)
        self.ended += [each.seed for each in draws]
        return [b"sound"] * len(draws)

    def path(self, _: object, check: Callable[[], None]) -> bytes:
        self.begun.append(-1)
        while not self.gate.wait(0.01):
            check()
        self.ended.append(-1)
        return b"path"


@contextmanager
def serving(engine: Engine, worker: ModelWorker | None = None) -> Iterator[tuple[str, int]]:
    """A server of an engine in a thread of its own, as host and port."""
    worker = worker or ModelWorker()
    listener = socket.create_server(("127.0.0.1", 0))
    running = server(create_app([engine], worker=worker), worker)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        until(lambda: running.started, "it did not start")
        yield listener.getsockname()[:2]
    finally:
        running.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def ask(address: tuple[str, int], path: str = "/api/health") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*address, timeout=20)
    connection.request("GET", path, headers={"Host": "localhost"})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def opened(address: tuple[str, int], content: bytes = b"") -> socket.socket:
    made = socket.create_connection(address, timeout=20)
    made.sendall(content)
    return made


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def ended(connection: socket.socket) -> bool:
    """Whether the server has ended a connection, or does so soon."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.fixture
def slow(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    made = Slow()
    monkeypatch.setattr(engine, "generate_each", made.generate_each)
    monkeypatch.setattr(engine, "path", made.path)
    yield made
    made.gate.set()


def test_what_nobody_waits_for_any_more_is_not_computed(engine: Engine, slow: Slow) -> None:
    worker = ModelWorker()
    with serving(engine, worker) as address:
        callers = [opened(address, ASK % seed) for seed in range(50)]
        until(lambda: worker.pending == 50, "they did not arrive")
        for caller in callers:
            caller.close()
        until(lambda: worker.pending == 1, "what waited is still pending")  # the one that had begun
        slow.gate.set()
        assert ask(address, "/api/generate?genre=rock&seed=99") == (200, b"sound")
    assert len(slow.begun) == 2


def test_a_path_that_is_no_longer_wanted_ends_where_it_is(engine: Engine, slow: Slow) -> None:
    body = b'{"start": {"genre": "rock"}, "end": {"genre": "techno"}}'
    post = b"POST /api/interpolate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    worker = ModelWorker()
    with serving(engine, worker) as address:
        caller = opened(address, post + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        until(lambda: bool(slow.begun), "it did not begin")
        caller.close()
        until(lambda: worker.pending == 0, "it goes on")
    assert slow.ended == []


def test_idle_connections_shut_nobody_out(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 20)
    with serving(engine) as address, ExitStack() as stack:
        idle = [stack.enter_context(opened(address, b"GET / HT")) for _ in range(60)]
        assert ask(address)[0] == 200
        assert ended(idle[0]), "the oldest made no room"


def test_connections_that_are_answered_are_not_closed_for_new_ones(
    engine: Engine, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST", 8)
    worker = ModelWorker()
    with serving(engine, worker) as address, ExitStack() as stack:
        busy = [stack.enter_context(opened(address, ASK % seed)) for seed in range(8)]
        until(lambda: worker.pending == 8, "they did not arrive")
        with pytest.raises((ConnectionError, http.client.BadStatusLine)):
            ask(address)
        slow.gate.set()
        assert [each.recv(12) for each in busy] == [b"HTTP/1.1 200"] * 8


@pytest.mark.parametrize("start", [b"", b"GET /api/health HTTP/1.1\r\nHost: loc"])
def test_a_head_that_does_not_come_ends_the_connection(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(connections, "_HEAD_SECONDS", 0.2)
    with serving(engine) as address, opened(address, start) as dawdler:
        assert ended(dawdler)
        kept = http.client.HTTPConnection(*address, timeout=20)
        for _ in range(2):
            kept.request("GET", "/api/health", headers={"Host": "localhost"})
            assert kept.getresponse().read().startswith(b"{")
            time.sleep(0.5)  # longer than a head may take: that limit ends with the head
        kept.close()


def test_uploads_that_trickle_neither_last_nor_keep_others_out(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_GRACE", 1.0)
    head = b"POST /api/place HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nRIFF"
    with serving(engine) as address, ExitStack() as stack:
        trickling = [stack.enter_context(opened(address, head)) for _ in range(3)]
        other = http.client.HTTPConnection(*address, timeout=20)
        other.request("POST", "/api/place", body=b"no sound", headers={"Host": "localhost"})
        assert b"It can't be read" in other.getresponse().read()
        other.close()
        for each in trickling:
            answer = each.recv(4096)
            while b"too slowly" not in answer:
                more = each.recv(4096)
                assert more, answer
                answer += more


@pytest.mark.parametrize("told", [b"Content-Length: 1073741824", b"Transfer-Encoding: chunked"])
def test_a_body_that_was_refused_and_goes_on_is_not_read_to_its_end(engine: Engine, told: bytes) -> None:
    head = b"POST /api/decode HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + told + b"\r\n\r\n"
    block = b"a" * 65536 if told.startswith(b"Content") else b"10000\r\n" + b"a" * 65536 + b"\r\n"
    blocks = 0
    with serving(engine) as address, opened(address, head) as made:
        with suppress(ConnectionError):
            while blocks < 2**14:
                made.sendall(block)
                blocks += 1
        assert made.recv(12) == b"HTTP/1.1 413"
        assert ask(address)[0] == 200
    assert blocks * 65536 < 100 << 20  # most of which the system holds


def test_the_short_rest_of_a_body_that_nobody_wants_costs_no_connection(engine: Engine) -> None:
    with serving(engine) as address, opened(address) as made:
        for _ in range(2):
            made.sendall(b"POST /api/nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n")
            answer = b""
            while b"detail" not in answer:
                answer += made.recv(4096)
            assert answer.startswith(b"HTTP/1.1 404")
            made.sendall(b"a" * 100_000)


@pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of files are others there")
def test_a_crowd_of_idle_connections_and_ctrl_c_with_a_full_queue_are_survived_quietly(mapped_run: Run) -> None:
    command = [sys.executable, "-m", "genvae", "serve", "--run", str(mapped_run.path), "--port", "0"]
    process = subprocess.Popen(
        ["sh", "-c", 'ulimit -n 200; exec "$@"', "sh", *command], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    said = process.stderr.readline()
    found = re.search(r"http://(\S+):(\d+)/", said)
    assert found, said
    address = found[1], int(found[2])
    with ExitStack() as stack:
        for _ in range(3):
            process.send_signal(signal.SIGSTOP)  # a machine that has other work: a whole crowd waits when it goes on
            for _ in range(100):
                stack.enter_context(opened(address))
            process.send_signal(signal.SIGCONT)
            assert ask(address)[0] == 200
        for seed in range(60):
            stack.enter_context(opened(address, ASK % seed))
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=15)
    assert rest == ""
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="open files are counted as Linux lists them")
def test_a_crowd_that_outruns_the_server_opens_few_files_beyond_its_bound(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """asyncio accepts in one go what waits, and only then tells the server, which may be slow to hear of it."""
    opened_at_once: list[int] = []
    connected = 0
    connection_made = connections.Connection.connection_made

    def slow(self: connections.Connection, transport: asyncio.Transport) -> None:
        time.sleep(0.002)
        connection_made(self, transport)
        opened_at_once.append(open_files() - before - connected)

    monkeypatch.setattr(connections.Connection, "connection_made", slow)
    monkeypatch.setattr(connections, "most_connections", lambda: 20)
    with serving(engine) as address, ExitStack() as stack:
        assert ask(address)[0] == 200
        before = open_files()
        for _ in range(300):
            stack.enter_context(opened(address))
            connected += 1
        assert ask(address)[0] == 200
    assert 20 <= max(opened_at_once) <= 20 + connections._RESERVED / 2


def test_how_many_connections_there_may_be_follows_from_the_limit_of_open_files() -> None:
    script = "import resource; from genvae.web.connections import most_connections; print(most_connections())"
    for files, most in ((200, 104), (60, 8)):
        done = subprocess.run(
            ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", sys.executable, "-c", script],
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert done.stdout.strip() == str(most), done.stderr


def test_the_pages_files_are_compressed_and_not_sent_twice(engine: Engine) -> None:
    root = Path(connections.__file__).parent / "static"
    with serving(engine) as address:
        connection = http.client.HTTPConnection(*address, timeout=20)
        sent = 0
        for path in sorted(root.glob("*.js")):
            connection.request("GET", f"/{path.name}", headers={"Host": "localhost", "Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            sent += len(answer.read())
        whole = sum(path.stat().st_size for path in root.glob("*.js"))
        assert sent < whole / 2
        connection.request("GET", "/icon.svg", headers={"Host": "localhost"})
        answer = connection.getresponse()
        answer.read()
        assert "max-age=86400" in answer.headers["Cache-Control"]  # browsers ask for it at each change of the address
        connection.close()
