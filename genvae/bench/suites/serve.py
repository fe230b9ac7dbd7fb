"""Suite `serve`: the server under load, and the page in a browser, with all clients on the same machine."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from urllib.parse import quote, urlsplit

import numpy as np

from genvae.bench.contest import Call, Case, Contender, Scale, Score
from genvae.bench.suites import Context
from genvae.bench.suites.page import page_case

_CLIENTS = {1: 30, 8: 8, 50: 3}
"""How many clients, and the clips that each asks for, one as soon as it has the other."""
_HEALTH_EVERY = 0.02  # seconds
_WARM = 10  # clips before anything is measured


@dataclass(frozen=True)
class Load:
    """What clients saw.

    Attributes:
        latencies: seconds of each answer to `generate`.
        health: seconds of each answer to `health`.
        refused: how often they were told to come again.
    """

    latencies: Sequence[float]
    health: Sequence[float]
    refused: int


def cases(context: Context) -> Iterator[Case]:
    """Clients by their number, then the page."""
    with server(context.run) as (address, _):
        genres = json.loads(_get(_connection(address), "/api/info")[1])["genres"]
        for seed in range(_WARM):
            _get(_connection(address), f"/api/generate?genre={quote(genres[0])}&seed={seed}")
        for clients, each in _CLIENTS.items():
            yield Case(
                suite="serve",
                name=f"generate, {clients} at a time",
                clock="wall",
                score=_scores,
                scales=[Scale("throughput", "clips/s", clients * each, rate=True)],
                contenders=[Contender(name="genvae serve", make=partial(_load_call, address, genres, clients, each))],
            )
        yield page_case(address)


@contextmanager
def server(run: Path | None, *, workers: int = 1) -> Iterator[tuple[str, int]]:
    """The address of a server that listens on a free port, and the number of its process.

    Raises:
        RuntimeError: it did not start.
    """
    command = [sys.executable, "-m", "genvae", "serve", "--port", "0", *(["--run", str(run)] if run else [])]
    command += ["--workers", str(workers)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        address = re.search(r"http://\S+", line)
        if address is None:
            raise RuntimeError(f"the server said: {line.strip()}")
        yield address[0], process.pid
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


def load(address: str, genres: Sequence[str], clients: int, each: int) -> Load:
    """Let so many clients ask for so many clips each, and another one ask for health as long as they do."""
    done = Event()
    with ThreadPoolExecutor(clients + 1) as pool:
        health = pool.submit(_ask_health, address, done)
        busy = [pool.submit(_ask_clips, address, genres, number, each) for number in range(clients)]
        try:
            per_client = [future.result() for future in busy]
        finally:
            done.set()
    return Load([s for own, _ in per_client for s in own], health.result(), sum(refused for _, refused in per_client))


def _load_call(address: str, genres: Sequence[str], clients: int, each: int) -> Call:
    return partial(load, address, genres, clients, each)


def _scores(figures: Load) -> Mapping[str, Score]:
    """Percentiles in ms of the first round."""

    def score(seconds: Sequence[float], percent: float) -> Score:
        return Score(1000 * float(np.percentile(seconds, percent)), "ms", "lower")

    return {
        "p50": score(figures.latencies, 50),
        "p95": score(figures.latencies, 95),
        "health p50": score(figures.health, 50),
        "health p99": score(figures.health, 99),
        "refused": Score(figures.refused, "requests", "lower"),
    }


def _ask_clips(address: str, genres: Sequence[str], number: int, count: int) -> tuple[list[float], int]:
    connection = _connection(address)
    seconds: list[float] = []
    refused = 0
    while len(seconds) < count:
        seed = 1000 * number + len(seconds)
        began = time.perf_counter()
        status, _, again = _get(connection, f"/api/generate?genre={quote(genres[seed % len(genres)])}&seed={seed}")
        if status == 503:
            refused += 1
            time.sleep(again)
            continue
        seconds.append(time.perf_counter() - began)
    connection.close()
    return seconds, refused


def _ask_health(address: str, done: Event) -> list[float]:
    connection = _connection(address)
    seconds: list[float] = []
    while not seconds or not done.wait(_HEALTH_EVERY):
        began = time.perf_counter()
        _get(connection, "/api/health")
        seconds.append(time.perf_counter() - began)
    connection.close()
    return seconds


def _connection(address: str) -> HTTPConnection:
    return HTTPConnection(urlsplit(address).netloc, timeout=120)


def _get(connection: HTTPConnection, path: str) -> tuple[int, bytes, float]:
    """Status, body, and after how many seconds to come again.

    Raises:
        RuntimeError: the answer is neither 200 nor 503.
    """
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status not in (200, 503):
        raise RuntimeError(f"{path} was answered with {answer.status}: {body[:200]!r}")
    return answer.status, body, float(answer.headers.get("Retry-After", 0))
