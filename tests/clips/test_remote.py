"""Stores and sources on URLs: an object store that speaks S3, as a process of its own, and fsspec's memory."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import time
import tracemalloc
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import numpy as np
import pytest
import soundfile
from conftest import Genvae
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

import genvae
from genvae.audio.decode import SoundfileStream
from genvae.audio.fetched import Fetched
from genvae.clips.store import ClipStore
from genvae.errors import GenvaeError, MissingError, OptionError, StoreError
from genvae.places import place
from genvae_plugins.datasets import WebDatasetOptions
from genvae_plugins.datasets.webdataset import WebDataset

PATIENCE = 120.0
HOW: dict[str, Any] = {"sample_rate": 8000, "clip_ms": 100, "progress": False}


def music(root: Path) -> Path:
    for n in range(3):
        for genre, suffix in (("rock", "wav"), ("piano", "flac"), ("techno", "ogg"), ("a #1? é%", "mp3")):
            path = root / genre / f"{n}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, np.random.default_rng(n).uniform(-0.5, 0.5, 24000), 8000)
    (root / "rock" / "broken.wav").write_text("no sound")
    (root / "rock" / ".hidden.wav").write_text("no sound")
    return root


def upload(root: Path, url: str) -> str:
    for file in root.rglob("*"):
        if file.is_file():
            (place(url) / file.relative_to(root).as_posix()).write_bytes(file.read_bytes())
    return url


def prepared(source: Path | str, store: Path | str, workers: int = 2) -> ClipStore:
    with ThreadPoolExecutor(workers) as executor:
        return genvae.prepare(source, store, executor=executor, **HOW)


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a bucket on a server of this machine."""
    log = tmp_path_factory.mktemp("s3") / "log"
    with log.open("wb") as said:
        server = subprocess.Popen(
            [sys.executable, "-c", "import sys; from moto.server import main; sys.exit(main(['-p0']))"],
            stdout=said,
            stderr=said,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
    with pytest.MonkeyPatch.context() as patched:
        try:
            end = time.monotonic() + PATIENCE
            while "Running on http://" not in log.read_text():
                assert server.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.05)
            address = log.read_text().split("Running on ")[1].split()[0]
            for name, value in {
                "AWS_ENDPOINT_URL": address,
                "AWS_ACCESS_KEY_ID": "any",
                "AWS_SECRET_ACCESS_KEY": "any",
                "AWS_DEFAULT_REGION": "us-east-1",
            }.items():
                patched.setenv(name, value)
            urllib.request.urlopen(urllib.request.Request(f"{address}/bucket", method="PUT"), timeout=PATIENCE)
            yield "s3://bucket"
        finally:
            server.kill()
            server.wait()


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.slow)])
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "memory":
        return f"memory://{tmp_path.name}"
    url: str = request.getfixturevalue("s3")
    return f"{url}/{tmp_path.name}"


def test_a_store_and_its_source_on_urls_are_those_of_this_machine(tmp_path: Path, bucket: str) -> None:
    root = music(tmp_path / "music")
    local = prepared(root, tmp_path / "store")
    source = upload(root, f"{bucket}/music")
    remote = prepared(source, f"{bucket}/store")
    assert remote.digest == local.digest == prepared(source, tmp_path / "streamed").digest
    assert remote.report == local.report
    numbers = np.random.default_rng(0).permutation(len(local))[:50]
    np.testing.assert_array_equal(remote.waves(numbers), local.waves(numbers))
    remote.verify()
    for file in (tmp_path / "store").rglob("*.npy"):
        there = place(f"{bucket}/store") / file.relative_to(tmp_path / "store").as_posix()
        assert there.read_bytes() == file.read_bytes()


def test_only_what_is_new_changed_or_unsealed_is_decoded_again(tmp_path: Path, bucket: str) -> None:
    from genvae.clips.prepare import prepare
    from genvae.clips.work import Settings
    from genvae_plugins.datasets.folder import Folder

    root = music(tmp_path / "music")
    source, store = place(upload(root, f"{bucket}/music")), place(f"{bucket}/store")

    def run() -> tuple[int, int]:
        with ThreadPoolExecutor(2) as executor:
            done = prepare([Folder(None, source)], store, Settings(sample_rate=8000, clip_ms=100), executor=executor)
        return done.decoded, len(done.removed)

    assert run() == (13, 0)
    assert run() == (0, 0)
    (source / "rock" / "0.wav").write_bytes((root / "rock" / "2.wav").read_bytes() + b"LIST\x04\0\0\0INFO")
    (source / "piano" / "1.flac").unlink()
    seals = sorted(store.glob("shards/*.json"))
    seals[0].write_bytes(b"{")
    first = seals[0].name
    assert run() == (2 if first != _seal_of(store, "rock/0.wav") else 1, 1)
    assert run() == (0, 0)


def _seal_of(store: Path, id: str) -> str:
    from genvae.clips.shard import shard_key

    return shard_key("folder", "music", id) + ".json"


def test_a_store_that_was_not_finished_there_is_told_and_finished(tmp_path: Path, bucket: str) -> None:
    root, url = music(tmp_path / "music"), f"{bucket}/store"
    whole = prepared(root, url)
    head = place(url) / "store.json"
    head.write_bytes(head.read_bytes().replace(b'"complete": true', b'"complete": false'))
    with pytest.raises(StoreError, match="unfinished"):
        ClipStore.open(url)
    assert prepared(root, url).digest == whole.digest


def test_damage_there_is_noticed(tmp_path: Path, bucket: str) -> None:
    url = f"{bucket}/store"
    prepared(music(tmp_path / "music"), url)
    shard = sorted(place(url).glob("shards/*.npy"))[0]
    content = shard.read_bytes()
    shard.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert len(genvae.verify(url)) == 1
    shard.write_bytes(content[:-200])
    with pytest.raises(StoreError, match="cut short"):
        ClipStore.open(url)
    shard.unlink()
    with pytest.raises(StoreError, match="missing"):
        ClipStore.open(url)


def test_parts_there_are_joined_there(tmp_path: Path, bucket: str) -> None:
    root = music(tmp_path / "music")
    for number in (1, 2):
        with ThreadPoolExecutor(1) as executor:
            genvae.prepare(root, f"{bucket}/part-{number}", executor=executor, shard=f"{number}/2", **HOW)
    parts = [f"{bucket}/part-1", f"{bucket}/part-2"]
    joined = genvae.merge_stores(parts, f"{bucket}/joined", progress=False)
    joined.verify()
    assert joined.digest == prepared(root, tmp_path / "store").digest


def test_a_file_there_that_can_not_be_read_on_is_no_damage_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.memory import MemoryFile

    root, out = music(tmp_path / "music"), tmp_path / "store"
    source = upload(root, f"memory://{tmp_path.name}/music")

    def refused(*_: object) -> int:
        raise ConnectionError("the other side has hung up")

    with monkeypatch.context() as patched:
        patched.setattr(MemoryFile, "readinto", refused, raising=False)
        lost = prepared(source, out)
    assert len(lost) == 0
    reasons = {each["reason"] for each in lost.report["skipped"] if each["id"] != "rock/broken.wav"}
    assert all("hung up" in reason for reason in reasons), reasons
    assert prepared(source, out).digest == prepared(root, tmp_path / "local").digest


class Counted(AbstractFileSystem):  # type: ignore[misc]
    """Files of this machine as if they were far away, and how many bytes of them were fetched."""

    protocol = "counted"
    fetched: ClassVar[list[int]] = []

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        return {"name": path, "size": Path(path).stat().st_size, "type": "file"}

    def _open(self, path: str, mode: str = "rb", block_size: int = 1 << 20, **how: Any) -> Any:
        return CountedFile(self, path, mode, block_size, **how)


class CountedFile(AbstractBufferedFile):  # type: ignore[misc]
    def _fetch_range(self, start: int, end: int) -> bytes:
        with Path(self.path).open("rb") as file:
            file.seek(start)
            content = file.read(end - start)
        Counted.fetched.append(len(content))
        return content


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes each request to files of counted:// fetches."""
    fsspec.register_implementation("counted", Counted, clobber=True)
    monkeypatch.setattr(Counted, "fetched", [])
    return Counted.fetched


def noise(file: Path, seconds: int) -> Path:
    with soundfile.SoundFile(file, "w", 44100, 2) as sound:
        for seed in range(seconds):  # Vorbis takes no long ones
            sound.write(np.random.default_rng(seed).uniform(-0.5, 0.5, (44100, 2)))
    return file


@pytest.mark.filterwarnings("ignore:UPath 'counted'")
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
@pytest.mark.parametrize("seconds", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_a_sound_there_is_fetched_once(tmp_path: Path, counted: list[int], suffix: str, seconds: int) -> None:
    file = noise(tmp_path / f"noise.{suffix}", seconds)
    with SoundfileStream(place(f"counted://{file}")) as stream:
        frames = sum(len(block) for block in stream.blocks(1 << 16))
    assert frames == pytest.approx(44100 * seconds, rel=2e-2)
    size = file.stat().st_size
    print(f"{suffix}: {size / 1e6:.1f} MB, fetched {sum(counted) / size:.3f} times in {len(counted)} requests")
    assert size <= sum(counted) <= 1.01 * size


@pytest.mark.filterwarnings("ignore:UPath 'counted'")
def test_of_a_long_file_its_beginning_stays_in_memory_and_the_rest_is_fetched_again(
    tmp_path: Path, counted: list[int]
) -> None:
    size, most = 48 << 20, 4 << 20
    content = np.random.default_rng(0).bytes(size)
    (tmp_path / "long").write_bytes(content)
    file = Fetched(place(f"counted://{tmp_path}/long"), most)
    tracemalloc.start()
    try:
        for _ in range(2):  # once by a scan, once by a decoder
            with file.open() as opened:
                at = 0
                while block := opened.read(100_000):
                    assert block == content[at : at + len(block)]
                    at += len(block)
            assert at == size
        _, highest = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(counted) == 2 * size - most
    assert highest < most + (20 << 20)  # what is fetched at once, some times over
    file.close()


@pytest.mark.filterwarnings("ignore:UPath 'counted'")
def test_of_a_tar_file_there_each_sound_is_fetched_once_beside_the_listing(tmp_path: Path, counted: list[int]) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for n in range(8):
            told = io.BytesIO(b'{"genre": "rock"}')
            info = tarfile.TarInfo(f"{n}.json")
            info.size = len(told.getvalue())
            tar.addfile(info, told)
            tar.add(noise(tmp_path / f"{n}.ogg", 1), f"{n}.ogg")
    size = (tmp_path / "a.tar").stat().st_size
    dataset = WebDataset(WebDatasetOptions(), place(f"counted://{tmp_path}/a.tar"))
    recordings = list(dataset.recordings())
    assert sum(counted) <= size
    counted.clear()
    for each in recordings:
        with each.open() as stream:
            assert sum(len(block) for block in stream.blocks(1 << 16)) > 40000
    assert sum(counted) == sum((tmp_path / f"{n}.ogg").stat().st_size for n in range(8))


def test_a_training_there_learns_what_it_learns_here(tmp_path: Path) -> None:
    local = prepared(music(tmp_path / "music"), tmp_path / "store")
    remote = prepared(tmp_path / "music", f"memory://{tmp_path.name}/store")
    small = {"model.latent_dim": 4, "model.width": 16, "model.neck": 4, "model.blocks": 1}
    small |= {"transform.n_fft": 128, "transform.hop": 64, "train.batch_size": 8}
    weights = [
        genvae.train(
            store, tmp_path / f"run{n}", model="conv-vae", options=small, steps=3, device="cpu", progress=False
        ).weights_path.read_bytes()
        for n, store in enumerate((local, remote))
    ]
    assert weights[0] == weights[1]


def test_what_is_not_there_is_said_in_a_line(tmp_path: Path, bucket: str) -> None:
    with pytest.raises(StoreError, match=f"{bucket}/nothing is no clip store"):
        ClipStore.open(f"{bucket}/nothing")
    with pytest.raises(GenvaeError, match=f"{bucket}/nothing does not exist"):
        prepared(f"{bucket}/nothing", tmp_path / "store")


@pytest.mark.slow
def test_s3_by_processes_on_the_command_line_and_what_is_refused(genvae: Genvae, tmp_path: Path, s3: str) -> None:
    root = music(tmp_path / "music")
    how = ["--sample-rate", "8000", "--clip-ms", "100"]
    source, store = upload(root, f"{s3}/command/music"), f"{s3}/command/store"
    result = genvae("prepare", source, "--out", store, "--executor", "local:2", *how)
    assert result.exit_code == 0, result.stderr
    assert genvae("verify", store).exit_code == 0
    local = prepared(root, tmp_path / "store")
    assert ClipStore.open(store).digest == local.digest
    assert json.loads(genvae("info", store, "--json").stdout)["digest"] == local.digest
    assert genvae("info", f"{s3}/nothing").exit_code == 3
    assert genvae("verify", "s3://no-such-bucket/store").exit_code in (3, 7)
    refused = genvae("prepare", root, "--out", "s3://no-such-bucket/store", "--executor", "local:1", *how)
    assert refused.exit_code == 7
    assert refused.stderr.startswith("Error: s3://no-such-bucket/store")


def test_a_store_in_memory_that_other_processes_can_not_see_is_refused(tmp_path: Path) -> None:
    root = music(tmp_path / "music")
    with pytest.raises(StoreError, match="must see the store"):
        genvae.prepare(root, f"memory://{tmp_path.name}/store", workers=1, **HOW)


def test_without_the_extra_or_with_another_scheme_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OptionError, match="Nothing reads nonsense://"):
        place("nonsense://a/b")
    monkeypatch.setitem(sys.modules, "upath", None)
    with pytest.raises(MissingError, match=r"pip install 'genvae\[remote\]'"):
        place("s3://bucket/store")
