"""Asks a server for much at once, and asks it badly: crowds, dawdlers, bodies without an end.

    python tests/faults/many_clients.py --clients 50 --seconds 60 --slow 500 --bodies 16

1. Clients ask for sounds of seeds, one after the other, for some seconds: every digest must be that of its seed in
   this process, and the server's memory must stay where it is after the first quarter. A process of its own asks for
   /api/health meanwhile, ten times a second on a new connection each.
2. Connections each send a byte of a head a second: others are answered meanwhile, and the server ends all of them.
3. Bodies that never end, in chunks, and bodies of 1 GB, told beforehand or not: refused or cut off after their limit,
   whatever the client goes on sending, and without memory for them.

After each the server must be at rest and give the right sound. Exits with 1 if anything is otherwise, or if the server
said anything. How quick it is, is printed and not judged, as it is the machine's as well.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import hashlib
import http.client
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

import serving

SEEDS = 20  # of each genre
GROWTH = 32 << 20  # bytes of memory that are no leak: what the allocator keeps
BLOCK = b"a" * (64 << 10)
GIGABYTE = 1 << 30
ENDLESS = 256 << 20  # bytes after which a server that takes them all has failed
LIMITS = {"/api/decode": 1 << 20, "/api/place": 64 << 20}  # bytes that a body may have
TRANSIT = 24 << 20  # bytes that sockets hold beyond what the server has read
HEAD = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: "

Sound = tuple[str, int]


def get(address: tuple[str, int], path: str) -> tuple[int, bytes]:
    """An answer on a connection of its own."""
    connection = http.client.HTTPConnection(*address, timeout=120)
    try:
        connection.request("GET", path, headers={"Host": "localhost"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def digests(run: Path) -> dict[Sound, str]:
    """What each seed must sound like, as Python makes it."""
    from genvae.verbs import load

    synthesizer = load(run)
    pairs = [(genre, seed) for genre in synthesizer.genres for seed in range(SEEDS)]
    return {(genre, seed): _digest(synthesizer.generate(genre, seed=seed).wav()) for genre, seed in pairs}


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _path(genre: str, seed: int) -> str:
    return f"/api/generate?genre={genre.replace('&', '%26').replace(' ', '+')}&seed={seed}"


class Trial:
    """A server under trial, and what was found.

    Args:
        server: that runs.
        sounds: digests by genre and seed.
    """

    def __init__(self, server: serving.Asked, sounds: dict[Sound, str]) -> None:
        self.server, self.sounds = server, sounds
        self.faults: list[str] = []

    def crowd(self, clients: int, seconds: float) -> None:
        """Clients that ask for sounds, for some seconds."""
        counts: Counter[str] = Counter()
        lock, end, began = threading.Lock(), time.monotonic() + seconds, time.monotonic()

        def client(number: int) -> None:
            drawn = random.Random(number)
            connection = http.client.HTTPConnection(*self.server.address, timeout=120)
            while time.monotonic() < end:
                (genre, seed), digest = drawn.choice(list(self.sounds.items()))
                try:
                    connection.request("GET", _path(genre, seed), headers={"Host": "localhost"})
                    answer = connection.getresponse()
                    content = answer.read()
                except (OSError, http.client.HTTPException) as error:
                    outcome = f"no answer ({type(error).__name__})"
                    connection.close()
                else:
                    right = _digest(content) == digest
                    outcome = f"{answer.status}" if answer.status != 200 else "right" if right else "wrong bytes"
                with lock:
                    counts[outcome] += 1
            connection.close()

        probe = subprocess.Popen(
            [sys.executable, __file__, "--probe", self.server.url, "--seconds", str(seconds)],
            stdout=subprocess.PIPE,
            text=True,
        )
        threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
        for each in threads:
            each.start()
        memory = []
        while time.monotonic() < end:
            memory.append(self.server.resident())
            time.sleep(seconds / 40)
        for each in threads:
            each.join()
        took = time.monotonic() - began
        waits = sorted(json.loads(probe.communicate(timeout=300)[0]))
        print(f"{clients} clients for {took:.0f} s: {dict(counts)}, {counts.total() / took:.0f} sounds a second")
        early, late = max(memory[: len(memory) // 4 + 1]), max(memory[-len(memory) // 4 :])
        print(f"  memory: {early >> 20} MB in the first quarter, {late >> 20} MB in the last")
        middle, most, last = (
            1000 * each for each in (statistics.median(waits), waits[len(waits) * 99 // 100], waits[-1])
        )
        print(f"  health: {len(waits)} asked; ms: median {middle:.0f}, 99th percentile {most:.0f}, longest {last:.0f}")
        if set(counts) != {"right"}:
            self.faults.append(f"of {clients} clients: {dict(counts)}")
        if late > early + GROWTH:
            self.faults.append(f"memory grew from {early >> 20} to {late >> 20} MB")
        self.at_rest("the crowd")

    def slow(self, count: int) -> None:
        """Connections that send a byte of a head a second, until the server ends them."""
        began, asked = time.monotonic(), 0
        ended: dict[int, float] = {}
        with ExitStack() as stack:
            slow = [stack.enter_context(socket.create_connection(self.server.address, 60)) for _ in range(count)]
            for each in slow:
                each.sendall(HEAD)
                each.setblocking(False)
            while len(ended) < count and time.monotonic() - began < 120:
                status, _ = get(self.server.address, "/api/health")
                asked += status == 200
                for number, each in enumerate(slow):
                    if number not in ended and _over(each):
                        ended[number] = time.monotonic() - began
                time.sleep(1)
        last = f", the last after {max(ended.values()):.0f} s" if ended else ""
        print(f"{count} slow connections: {len(ended)} ended{last}; {asked} others answered meanwhile")
        if len(ended) < count:
            self.faults.append(f"{count - len(ended)} slow connections last")
        self.at_rest("slow connections")

    def bodies(self, count: int) -> None:
        """Bodies that are too large, so many of each kind at once."""
        for path, limit in LIMITS.items():
            for kind in ("endless", "1 GB that is told", "1 GB in chunks"):
                before, most = self.server.resident(), 0
                sent: list[int] = []
                outcomes: Counter[str] = Counter()
                threads = [threading.Thread(target=self._body, args=(path, kind, sent, outcomes)) for _ in range(count)]
                for thread in threads:
                    thread.start()
                while any(thread.is_alive() for thread in threads):
                    most = max(most, self.server.resident())
                    time.sleep(0.05)
                told = kind == "1 GB that is told"
                grown = max(0, most - before)
                print(
                    f"{count} bodies, {kind}, to {path}: {dict(outcomes)}; at most {max(sent) >> 20} MB were sent, "
                    f"memory {grown >> 20} MB more"
                )
                if max(sent) > (0 if told else limit) + TRANSIT:
                    self.faults.append(f"{path}, {kind}: {max(sent) >> 20} MB were taken")
                if set(outcomes) - {"413", "cut off"}:
                    self.faults.append(f"{path}, {kind}: {dict(outcomes)}")
                # What is uploaded goes to a file; a body of JSON is held, and no more of it than its limit.
                if grown > GROWTH + count * LIMITS["/api/decode"]:
                    self.faults.append(f"{path}, {kind}: {grown >> 20} MB more memory")
                self.at_rest(f"bodies, {kind}, to {path}")

    def _body(self, path: str, kind: str, sent: list[int], outcomes: Counter[str]) -> None:
        whole = ENDLESS if kind == "endless" else GIGABYTE
        length = f"Content-Length: {GIGABYTE}" if kind == "1 GB that is told" else "Transfer-Encoding: chunked"
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
        if path == "/api/place":
            head = head.replace("application/json", "application/octet-stream")
        chunk = BLOCK if kind == "1 GB that is told" else b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK)
        done, answer = 0, b""
        with socket.create_connection(self.server.address, 120) as connection:
            with suppress(OSError):
                connection.sendall(head.encode())
                while done < whole:
                    connection.sendall(chunk)
                    done += len(BLOCK)
            with suppress(OSError):  # what it said was lost with the connection
                answer = connection.recv(100)
        sent.append(done)
        outcomes[answer[9:12].decode() if answer else "cut off" if done < whole else "taken"] += 1

    def at_rest(self, after: str) -> None:
        """The server waits for nothing, and gives the right sound."""
        try:
            deadline = time.monotonic() + 60
            while (health := self.server.json("/api/health"))["pending"] and time.monotonic() < deadline:
                time.sleep(0.1)
            (genre, seed), digest = next(iter(self.sounds.items()))
            status, content = get(self.server.address, _path(genre, seed))
        except (OSError, ValueError) as error:
            self.faults.append(f"after {after}, it does not answer: {error}")
            return
        if health["pending"] or status != 200 or _digest(content) != digest:
            self.faults.append(f"after {after}: {health}, {status}")


def _over(connection: socket.socket) -> bool:
    """Whether a connection was ended; otherwise it sends one more byte."""
    try:
        connection.send(b"a")
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def probe(url: str, seconds: float) -> None:
    """Print how long /api/health took, in seconds, ten times a second."""
    host, _, port = url.removeprefix("http://").partition(":")
    waits: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or not waits:
        began = time.perf_counter()
        get((host, int(port)), "/api/health")
        waits.append(time.perf_counter() - began)
        time.sleep(max(0.0, 0.1 - waits[-1]))
    print(json.dumps(waits))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clients", type=int, default=50, help="that ask at once")
    parser.add_argument("--seconds", type=float, default=60, help="for which they do")
    parser.add_argument("--slow", type=int, default=500, help="connections that dawdle")
    parser.add_argument("--bodies", type=int, default=16, help="of each kind at once")
    parser.add_argument("--probe", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.probe:
        probe(chosen.probe, chosen.seconds)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        run, _ = serving.make(Path(folder))
        sounds = digests(run)
        with serving.started(run) as server:
            trial = Trial(server, sounds)
            trial.at_rest("its start")
            trial.crowd(chosen.clients, chosen.seconds)
            trial.slow(chosen.slow)
            trial.bodies(chosen.bodies)
        if server.said:
            trial.faults.append(f"it said: {server.said[-3000:]}")
    print(f"{len(trial.faults)} faults")
    print(*trial.faults, sep="\n")
    return bool(trial.faults)


if __name__ == "__main__":
    sys.exit(main())
