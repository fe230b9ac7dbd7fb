"""WebDataset's tar files, written and read, beside the webdataset library."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import webdataset
from conftest import Genvae

import genvae
from genvae.clips.store import ClipStore
from genvae.errors import GenvaeError
from genvae.places import place

HOW = {"sample_rate": 8000, "clip_ms": 100, "workers": 1, "progress": False}


def store(root: Path, out: Path) -> ClipStore:
    for n in range(4):
        for genre in ("rock", "piano"):
            (root / genre).mkdir(parents=True, exist_ok=True)
            noise = np.random.default_rng([n, len(genre)]).uniform(-0.5, 0.5, 4400)
            soundfile.write(root / genre / f"{n}.wav", noise, 8000)
    return genvae.prepare(root, out, **HOW)  # type: ignore[arg-type]


def read(tars: Path) -> ClipStore:
    return genvae.prepare(tars, tars.parent / f"{tars.name}-store", dataset="webdataset", **HOW)  # type: ignore[arg-type]


def test_the_library_reads_what_is_exported_sample_by_sample(tmp_path: Path, genvae: Genvae) -> None:
    clips = store(tmp_path / "music", tmp_path / "store")
    result = genvae("store", "export", tmp_path / "store", "--webdataset", tmp_path / "tars", "--per-tar", "7")
    assert result.exit_code == 0, result.stderr
    files = result.stdout.split()
    for split in ("train", "validation"):
        chosen = [file for file in files if f"/{split}-" in file]
        samples = list(webdataset.WebDataset(chosen, shardshuffle=False))
        numbers = clips.select(split=split)
        assert len(samples) == len(numbers) > 0
        for sample, number in zip(samples, numbers, strict=True):
            wave, rate = soundfile.read(io.BytesIO(sample["wav"]), dtype="int16")
            assert rate == 8000
            np.testing.assert_array_equal(wave, clips.read([number])[0])
            recording = clips.recordings[clips.index[number]["recording"]]
            told = json.loads(sample["json"])
            assert (told["genre"], told["recording"], told["split"]) == (recording.genre, recording.id, split)
            assert told["offset"] == clips.index[number]["offset"]
    again = genvae("store", "export", tmp_path / "store", "--webdataset", tmp_path / "tars")
    assert again.exit_code == 3
    assert "holds files already" in again.stderr


def test_what_is_exported_is_read_back_with_its_genres_splits_and_samples(tmp_path: Path) -> None:
    clips = store(tmp_path / "music", tmp_path / "store")
    genvae.export_webdataset(clips, tmp_path / "tars", per_tar=9, progress=False)
    back = read(tmp_path / "tars")
    assert len(back) == len(clips)
    for split in ("train", "validation"):
        for genre in clips.genres:
            ours = clips.read(clips.select(split=split, genre=genre))
            theirs = back.read(back.select(split=split, genre=genre))
            assert sorted(each.tobytes() for each in ours) == sorted(each.tobytes() for each in theirs)


def test_what_the_library_writes_is_read_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "tars").mkdir()
    waves = {}
    with webdataset.TarWriter(str(tmp_path / "tars" / "a.tar")) as tar:
        for n, form in enumerate(("flac", "wav", "ogg", "mp3")):
            file = io.BytesIO()
            waves[form] = np.random.default_rng(n).integers(-9000, 9000, 8000).astype(np.int16)
            soundfile.write(file, waves[form], 8000, format=form)
            tar.write({"__key__": f"folder/song{n}", form: file.getvalue(), "json": {"genre": "rock"}})
        tar.write({"__key__": "text", "txt": "no sound"})
        tar.write({"__key__": "lost", "wav": b"none", "json": {"style": "rock"}})
    here = read(tmp_path / "tars")
    assert {each.id for each in here.recordings} == {f"a.tar/folder/song{n}" for n in range(4)}
    assert [(each["id"], each["reason"]) for each in here.report["skipped"]] == [
        ("a.tar/lost", "its JSON names no 'genre'")
    ]
    for n, form in ((0, "flac"), (1, "wav")):
        number = next(i for i, each in enumerate(here.recordings) if each.id.endswith(f"song{n}"))
        found = here.read(np.flatnonzero(here.index["recording"] == number))
        np.testing.assert_array_equal(found.reshape(-1), waves[form])
    url = f"memory://{tmp_path.name}"
    (place(url) / "a.tar").write_bytes((tmp_path / "tars" / "a.tar").read_bytes())
    from concurrent.futures import ThreadPoolExecutor

    how = {**HOW, "workers": None, "executor": ThreadPoolExecutor(1)}
    there = genvae.prepare(url, tmp_path / "remote", dataset="webdataset", **how)  # type: ignore[arg-type]
    assert [each.digest for each in there.recordings] == [each.digest for each in here.recordings]


def test_the_genre_may_stand_deeper(tmp_path: Path) -> None:
    clips = store(tmp_path / "music", tmp_path / "store")
    genvae.export_webdataset(clips, tmp_path / "tars", progress=False)
    found = genvae.prepare(
        tmp_path / "tars",
        tmp_path / "again",
        dataset="webdataset",
        options={"dataset.genre": "custom.style"},
        **HOW,  # type: ignore[arg-type]
    )
    assert len(found) == 0
    with webdataset.TarWriter(str(tmp_path / "deep.tar")) as tar:
        file = io.BytesIO()
        soundfile.write(file, np.full(8000, 0.5), 8000, format="wav")
        tar.write({"__key__": "song", "wav": file.getvalue(), "json": {"custom": {"style": "rock"}}})
    found = genvae.prepare(
        tmp_path / "deep.tar",
        tmp_path / "deep",
        dataset="webdataset",
        options={"dataset.genre": "custom.style"},
        **HOW,  # type: ignore[arg-type]
    )
    assert found.genres == ("rock",)


def test_what_is_no_tar_is_said_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "tars").mkdir()
    with pytest.raises(GenvaeError, match=r"no \.tar files"):
        read(tmp_path / "tars")
    (tmp_path / "tars" / "a.tar").write_bytes(b"nonsense" * 200)
    with pytest.raises(GenvaeError, match=r"a\.tar can't be read as a tar file"):
        read(tmp_path / "tars")
    with tarfile.open(tmp_path / "tars" / "a.tar", "w:gz") as tar:
        tar.addfile(tarfile.TarInfo("a.wav"))
    with pytest.raises(GenvaeError, match="not compressed"):
        read(tmp_path / "tars")
