"""Who prepares a store: any executor, by its name or as an object, and what becomes of one that is lost."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Genvae
from deadly_songs import DeadlySongs

import genvae
from genvae.clips.shard import Seal, offsets_of, peaks_of
from genvae.clips.store import ClipStore
from genvae.clips.work import Settings, Task
from genvae.clips.workers import run_tasks
from genvae.errors import ClusterError, OptionError
from genvae.interfaces.dataset import Recording
from genvae_plugins.datasets import SyntheticOptions
from genvae_plugins.datasets.synthetic import Synthetic

PATIENCE = 120.0
SONGS = {"dataset.recordings": 4, "dataset.seconds": 3}


def prepared(store: Path, **how: object) -> ClipStore:
    return genvae.prepare("songs", store, dataset="synthetic", options=SONGS, progress=False, **how)  # type: ignore[arg-type]


def test_a_million_recordings_do_not_queue_at_once(tmp_path: Path) -> None:
    seal = Seal(
        key="",
        source="",
        id="",
        fingerprint="",
        settings="",
        state="kept",
        reason="",
        seconds=0.0,
        clips=0,
        silent=0,
        refused=0,
        clipped=0,
        bytes=0,
        digest="",
        offsets=offsets_of(()),
        peaks=peaks_of(()),
    )
    taken: list[int] = []

    class Counting(ThreadPoolExecutor):
        def submit(self, *_: object) -> Future[Seal]:  # type: ignore[override]
            taken.append(len(taken) - len(given))
            return super().submit(lambda: seal)

    given: list[Task] = []
    recording = Recording(id="", genre="", open=int, fingerprint="")
    tasks = [Task(tmp_path, str(n), "", recording, Settings()) for n in range(20_000)]
    with Counting(2) as executor:
        run_tasks(tasks, executor=executor, workers=1, done=lambda task, _: given.append(task))
    assert sorted(task.key for task in given) == sorted(task.key for task in tasks)
    assert 500 < max(taken) < 1500


def test_what_gives_up_its_work_is_told_with_the_way_to_go_on(tmp_path: Path) -> None:
    class Lost(ThreadPoolExecutor):
        def submit(self, *_: object) -> Future[Seal]:  # type: ignore[override]
            future: Future[Seal] = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    with Lost(1) as executor, pytest.raises(ClusterError, match="run the same command again to go on"):
        prepared(tmp_path / "store", executor=executor)
    assert prepared(tmp_path / "store", workers=1).digest == prepared(tmp_path / "fresh", workers=1).digest


@pytest.mark.parametrize("name", ["dask", "dask://", "dask://host", "local:", "local:0", "ray://host:1", "local:x"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match="local:N or dask://HOST:PORT"):
        prepared(tmp_path / "store", executor=name)
    assert not (tmp_path / "store").exists()


def test_interrupted_with_recordings_in_flight_its_own_workers_end_without_a_complaint_of_the_pool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaints: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda raised: complaints.append(repr(raised.exc_value)))
    songs = Synthetic(SyntheticOptions(recordings=12, seconds=2), tmp_path)
    tasks = [Task(tmp_path, str(n), "songs", song, Settings()) for n, song in enumerate(songs.recordings())]

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    class Slow(ProcessPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            time.sleep(0.5)  # that the pool notices the death of its processes before it is told to end
            super().shutdown(wait, cancel_futures=cancel_futures)

    monkeypatch.setattr("genvae.clips.workers.ProcessPoolExecutor", Slow)
    with pytest.raises(KeyboardInterrupt):
        run_tasks(tasks, executor=None, workers=2, done=stop)
    assert not multiprocessing.active_children()
    assert complaints == []


def test_workers_beside_an_executor_are_refused(genvae: Genvae, tmp_path: Path) -> None:
    words = ["prepare", "x", "--dataset", "synthetic", "--out", tmp_path / "s", "--workers", "1"]
    result = genvae(*words, "--executor", "local:2")
    assert result.exit_code == 2
    assert "--workers" in result.stderr
    assert "--executor" in result.stderr


def test_without_the_extra_it_says_what_to_install(
    genvae: Genvae, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    result = genvae("prepare", "x", "--dataset", "synthetic", "--out", tmp_path / "s", "--executor", "dask://h:1")
    assert result.exit_code == 6
    assert "pip install 'genvae[cluster]'" in result.stderr


@dataclass
class Cluster:
    """A Dask scheduler and workers, each a process."""

    name: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    folder.mkdir()
    file = folder / "scheduler.json"
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def start(what: str, *words: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            f"distributed.cli.dask_{what}",
            "--scheduler-file",
            str(file),
            "--no-dashboard",
        ]
        with (folder / "log").open("ab") as log:
            return subprocess.Popen([*command, *words], cwd=folder, env=environment, stdout=log, stderr=log)

    started = [start("scheduler", "--host", "127.0.0.1", "--port", "0")]
    try:
        started += [start("worker", "--nthreads", "1", "--no-nanny", "--host", "127.0.0.1") for _ in range(workers)]
        from distributed import Client

        with Client(scheduler_file=str(file), timeout=PATIENCE, set_as_default=False) as client:
            client.wait_for_workers(workers, timeout=PATIENCE)
            address = client.scheduler.address
        yield Cluster(address.replace("tcp://", "dask://"), started[0], started[1:])
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_processes_a_cluster_and_four_parts_make_one_digest_and_a_killed_worker_costs_a_retry(
    tmp_path: Path,
) -> None:
    from genvae.clips.executors import executor_named
    from genvae.clips.prepare import prepare
    from genvae.progress import ignore

    alone = prepared(tmp_path / "alone", workers=1)
    alone.verify()
    assert prepared(tmp_path / "two", executor="local:2").digest == alone.digest
    parts = [prepared(tmp_path / f"part-{n}", workers=1, shard=f"{n}/4").path for n in (1, 2, 3, 4)]
    assert genvae.merge_stores(parts, tmp_path / "joined", progress=False).digest == alone.digest
    lives = tmp_path / "lives"
    lives.write_text("0")
    settings = Settings(sample_rate=8000)
    with ThreadPoolExecutor(1) as executor:
        prepare([DeadlySongs(None, lives)], tmp_path / "six", settings, executor=executor)
    with cluster(tmp_path / "cluster", 3) as dask:
        assert prepared(tmp_path / "clustered", executor=dask.name).digest == alone.digest
        lives.write_text("1")
        with executor_named(dask.name, ignore) as (executor, _):
            again = prepare([DeadlySongs(None, lives)], tmp_path / "retried", settings, executor=executor)
        assert lives.read_text() == "0"
        assert [worker.poll() is None for worker in dask.workers].count(False) == 1
        assert again.report["recordings"]["kept"] == 6
    assert ClipStore.open(tmp_path / "retried").digest == ClipStore.open(tmp_path / "six").digest


@pytest.mark.slow
def test_a_lost_scheduler_ends_it_with_a_word_and_the_same_command_goes_on(tmp_path: Path) -> None:
    store = tmp_path / "store"
    options = ["--dataset", "synthetic", "--set", "dataset.seconds=60", "--set", "dataset.recordings=8"]
    command = [sys.executable, "-m", "genvae", "prepare", "songs", "--out", str(store), *options]
    with cluster(tmp_path / "cluster", 1) as dask:
        running = subprocess.Popen([*command, "--executor", dask.name], stderr=subprocess.PIPE, text=True)
        while not list(store.glob("shards/*.json")) and running.poll() is None:
            time.sleep(0.01)
        dask.scheduler.kill()
        said = running.communicate(timeout=PATIENCE)[1]
        assert running.returncode == 6, said
        assert "run the same command again to go on" in said
        assert len(said.strip().splitlines()) == 1
        lost = subprocess.run([*command, "--executor", dask.name], capture_output=True, text=True, timeout=PATIENCE)
    assert lost.returncode == 6
    assert "There is no Dask scheduler at" in lost.stderr
    assert "Traceback" not in lost.stderr
    sealed = {file: file.stat().st_mtime_ns for file in store.glob("shards/*.json")}
    assert 0 < len(sealed) < 24
    assert subprocess.run([*command, "--executor", "local:1"], timeout=PATIENCE).returncode == 0
    assert sealed.items() <= {file: file.stat().st_mtime_ns for file in store.glob("shards/*.json")}.items()
    fresh = [sys.executable, "-m", "genvae", "prepare", "songs", "--out", str(tmp_path / "fresh"), *options]
    assert subprocess.run([*fresh, "--workers", "1"], timeout=PATIENCE).returncode == 0
    assert ClipStore.open(store).digest == ClipStore.open(tmp_path / "fresh").digest


@pytest.mark.skipif(os.name != "posix", reason="other systems have no masks of signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_that_another_thread_is_sent_waits_until_workers_have_started(name: str) -> None:
    script = f"""
import os, signal, threading, time
from genvae.clips.workers import _deaf_children

def end(number, frame):
    raise KeyboardInterrupt

signal.signal(signal.{name}, end)
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()  # whose mask lets the signal through
try:
    with _deaf_children():
        os.kill(os.getpid(), signal.{name})
        time.sleep(0.2)
        print("started")
    print("never")
except KeyboardInterrupt:
    print("heard")
assert signal.getsignal(signal.{name}) is end
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["started", "heard"], done.stderr
