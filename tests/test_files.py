"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import itertools
import json
import os
import stat
import threading
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genvae.files import parse_json, whole_file, write_json, write_whole


def test_an_old_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_in_the_middle_leaves_the_old_content_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    write_whole(path, b"old")

    def fail() -> None:
        with whole_file(path) as file:
            file.write(b"half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_with_the_files_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*config\.json'"):
        write_whole(tmp_path / "config.json", b"new")
    assert list(tmp_path.iterdir()) == []


def test_the_file_can_be_gone_back_in_before_it_appears(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with whole_file(path) as file:
        file.write(b"....data")
        file.seek(0)
        file.write(b"RIFF")
        assert not path.exists()
    assert path.read_bytes() == b"RIFFdata"


def test_a_reader_never_sees_a_part(tmp_path: Path) -> None:
    path = tmp_path / "table"
    contents = [bytes([value]) * 200_000 for value in (1, 2)]
    write_whole(path, contents[0])
    enough = threading.Event()

    def write() -> None:
        for turn in itertools.count(1):
            if enough.is_set():
                return
            write_whole(path, contents[turn % 2])

    writer = threading.Thread(target=write)
    writer.start()
    reads = Counter[bytes]()
    try:
        while len(reads) < 2 or reads.total() < 100:  # both contents, so that it was read while it was written
            assert writer.is_alive()
            reads[path.read_bytes()] += 1
    finally:
        enough.set()
        writer.join()
    assert set(reads) == set(contents)


@pytest.mark.skipif(os.name != "posix", reason="other systems can't open a folder to sync it")
def test_the_content_is_on_the_disk_before_the_name_and_then_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, synced, fsync = tmp_path / "table", [], os.fsync

    def watched(handle: int) -> None:
        status = os.fstat(handle)
        synced.append(("folder" if stat.S_ISDIR(status.st_mode) else "file", status.st_ino, path.exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", watched)
    write_whole(path, b"new")
    assert synced == [("file", path.stat().st_ino, False), ("folder", tmp_path.stat().st_ino, True)]


@pytest.mark.skipif(os.name != "posix", reason="other systems can't open a folder to sync it")
def test_a_folder_that_can_not_be_synced_is_told_with_the_files_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def fails(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(OSError, match=r"Input/output error: '.*table'"):
        write_whole(tmp_path / "table", b"new")


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_whole(tmp_path / "whole", b"")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "whole")}
    assert len(modes) == 1


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "nowhere" / "file", b"")


def test_a_name_as_long_as_the_system_takes_is_served(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 127)
    write_whole(path, b"x")
    assert path.read_bytes() == b"x"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.dictionaries(st.text(), st.text(st.characters()) | st.integers() | st.floats(allow_nan=False) | st.none()))
def test_json_survives_even_names_that_are_not_utf_8(tmp_path: Path, value: dict[str, object]) -> None:
    path = tmp_path / "value.json"
    write_json(path, value)
    assert json.loads(path.read_text("ascii")) == value


@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a": ', "}")])
def test_json_of_unknown_origin_is_no_deeper_than_whoever_walks_through_it_can_bear(left: str, right: str) -> None:
    deep = f"{left * 64}1{right * 64}"
    assert parse_json(deep) == json.loads(deep)
    for depth in (65, 600, 950, 100_000):
        with pytest.raises(ValueError, match="nested too deeply"):
            parse_json(f"{left * depth}1{right * depth}")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
    )
)
def test_json_that_is_not_deep_is_what_it_is(value: object) -> None:
    assert parse_json(json.dumps(value)) == value
