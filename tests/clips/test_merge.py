"""Parts that are prepared apart and joined are the store that one preparation makes, also where it grows."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import Genvae

import genvae
from genvae.clips.store import ClipStore
from genvae.errors import OptionError, PluginError, StoreError

HOW = {"sample_rate": 8000, "clip_ms": 100, "workers": 1, "progress": False}


def write(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).uniform(-0.5, 0.5, 4400), 8000)


def music(root: Path, first: int, last: int) -> Path:
    for n in range(first, last):
        write(root / "rock" / f"{n}.wav", n)
        write(root / "piano" / f"{n}.wav", 1000 + n // 2)  # each with a copy, perhaps in another part
    (root / "rock" / "broken.wav").write_text("no sound")
    return root


def in_parts(root: Path, folder: Path, of: int) -> list[Path]:
    for number in range(1, of + 1):
        genvae.prepare(root, folder / str(number), shard=f"{number}/{of}", **HOW)  # type: ignore[arg-type]
    return [folder / str(number) for number in range(of, 0, -1)]


def files(store: Path) -> dict[str, str]:
    whole = (file for file in store.rglob("*") if file.is_file())
    return {str(file.relative_to(store)): hashlib.sha256(file.read_bytes()).hexdigest() for file in whole}


def whole(root: Path, store: Path) -> ClipStore:
    return genvae.prepare(root, store, **HOW)  # type: ignore[arg-type]


def test_four_parts_are_joined_to_the_bytes_of_one_preparation_and_grow_like_it(tmp_path: Path) -> None:
    root = music(tmp_path / "music", 0, 8)
    one, joined = tmp_path / "one", tmp_path / "joined"
    whole(root, one)
    assert genvae.merge_stores(in_parts(root, tmp_path / "parts", 4), joined, progress=False).digest
    assert files(joined) == files(one)
    # What the store holds stays in its split, so one that has grown is another than one made at once.
    music(root, 8, 20)
    (root / "rock" / "1.wav").unlink()
    whole(root, one)
    grown = genvae.merge_stores(in_parts(root, tmp_path / "parts", 4), joined, progress=False)
    assert files(joined) == files(one)
    grown.verify()
    assert grown.report["recordings"]["skipped"] == 1
    before = {file: file.stat().st_mtime_ns for file in joined.rglob("*")}
    genvae.merge_stores(in_parts(root, tmp_path / "parts", 4), joined, progress=False)
    assert {file: file.stat().st_mtime_ns for file in joined.rglob("*")} == before


def test_parts_share_no_recording_and_a_new_one_moves_no_other(tmp_path: Path) -> None:
    root = music(tmp_path / "music", 0, 10)
    parts = in_parts(root, tmp_path / "parts", 3)
    before = [{each.id for each in ClipStore.open(part).recordings} for part in parts]
    assert sum(map(len, before)) == len(set().union(*before)) == 20
    music(root, 10, 14)
    in_parts(root, tmp_path / "parts", 3)
    after = [{each.id for each in ClipStore.open(part).recordings} for part in parts]
    assert all(old <= new for old, new in zip(before, after, strict=True))


def test_more_parts_than_recordings_leave_some_empty(tmp_path: Path, genvae: Genvae) -> None:
    root = music(tmp_path / "music", 0, 1)
    how = ["--sample-rate", "8000", "--clip-ms", "100", "--workers", "1"]
    for number in range(1, 8):
        result = genvae("prepare", root, "--out", tmp_path / f"p{number}", "--shard", f"{number}/7", *how)
        assert result.exit_code == 0, result.stderr
    parts = [tmp_path / f"p{number}" for number in range(1, 8)]
    joined = genvae("store", "merge", *parts, "--out", tmp_path / "joined", "--json")
    assert json.loads(joined.stdout)["recordings"] == {"found": 3, "kept": 2, "partial": 0, "skipped": 1}
    assert genvae("prepare", root, "--out", tmp_path / "one", *how).exit_code == 0
    assert files(tmp_path / "joined") == files(tmp_path / "one")


def test_what_is_not_all_parts_of_one_store_is_refused_with_its_name(tmp_path: Path) -> None:
    root = music(tmp_path / "music", 0, 4)
    second, first = in_parts(root, tmp_path / "parts", 2)
    third = in_parts(root, tmp_path / "thirds", 3)[0]
    out = tmp_path / "out"
    with pytest.raises(StoreError, match=r"Part 2/2 is missing"):
        genvae.merge_stores([first], out)
    with pytest.raises(StoreError, match=r"Part 1/2 is there more than once"):
        genvae.merge_stores([first, first, second], out)
    with pytest.raises(StoreError, match=r"part 3/3"):
        genvae.merge_stores([first, second, third], out)
    with pytest.raises(StoreError, match="no part of a store"):
        genvae.merge_stores([whole(root, tmp_path / "whole").path, first], out)
    genvae.prepare(root, tmp_path / "other", shard="2/2", **(HOW | {"clip_ms": 200}))  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="other settings"):
        genvae.merge_stores([first, tmp_path / "other"], out)
    (second / "part.json").unlink()
    with pytest.raises(StoreError, match="unfinished"):
        genvae.merge_stores([first, second], out)
    assert not out.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda part: (part / "part.json").write_text("[" * 100_000),
        lambda part: (part / "part.json").write_text('{"entries": [{}]}'),
        lambda part: next(part.glob("shards/*.npy")).write_bytes(b""),
        lambda part: next(part.glob("shards/*.json")).unlink(),
    ],
)
def test_a_damaged_part_is_refused(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    parts = in_parts(music(tmp_path / "music", 0, 4), tmp_path / "parts", 2)
    damage(parts[0])
    with pytest.raises(StoreError, match=f"The part {parts[0]} is damaged"):
        genvae.merge_stores(parts, tmp_path / "out", progress=False)


def test_a_part_does_not_say_what_is_imported(tmp_path: Path) -> None:
    settings = {"dataset": "folder", "validation": 0.1, "items": "antigravity:nothing"}
    head = {"format": 1, "complete": True, "part": "1/1", "settings": settings, "sources": []}
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "store.json").write_text(json.dumps(head))
    (tmp_path / "part" / "part.json").write_text('{"entries": []}')
    with pytest.raises(PluginError, match="no installed plugin knows"):
        genvae.merge_stores([tmp_path / "part"], tmp_path / "out", progress=False)
    assert "antigravity" not in sys.modules


def test_a_part_and_a_store_do_not_take_each_others_place(tmp_path: Path) -> None:
    root = music(tmp_path / "music", 0, 4)
    parts = in_parts(root, tmp_path / "parts", 2)
    with pytest.raises(StoreError, match=r"2/2 \(now 1/1\)"):
        whole(root, parts[0])
    with pytest.raises(StoreError, match=r"2/2 \(now 1/2\)"):
        genvae.prepare(root, parts[0], shard="1/2", **HOW)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=r"2/2 \(now 1/1\)"):
        genvae.merge_stores(parts, parts[0], progress=False)


def test_shards_are_copied_where_they_can_not_be_linked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError

    root = music(tmp_path / "music", 0, 4)
    monkeypatch.setattr("os.link", refused)
    parts = in_parts(root, tmp_path / "parts", 2)
    joined = genvae.merge_stores(parts, tmp_path / "joined", progress=False)
    for part in parts:
        shutil.rmtree(part)
    joined.verify()
    assert joined.digest == whole(root, tmp_path / "one").digest


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/0", "a/b", "1/4/2", "-1/4"])
def test_a_shard_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(OptionError, match="such as 1/4"):
        genvae.prepare("x", tmp_path / "s", dataset="synthetic", shard=text)


def test_attributes_are_joined_as_one_preparation_keeps_them(tmp_path: Path) -> None:
    rows = [("path", "genre", "mood", "tempo")]
    for n in range(9):
        write(tmp_path / "music" / f"{n}.wav", n)
        rows.append((f"music/{n}.wav", "rock", ("calm", "wild", "")[n % 3], str(100 + n) if n % 2 else ""))
    (tmp_path / "list.csv").write_text("\n".join(map(",".join, rows)) + "\n")
    how = {**HOW, "dataset": "manifest", "attributes": ["loudness", "mood", "tempo"]}
    genvae.prepare(tmp_path / "list.csv", tmp_path / "one", **how)  # type: ignore[arg-type]
    parts = [tmp_path / str(number) for number in range(1, 4)]
    for number, part in enumerate(parts, 1):
        genvae.prepare(tmp_path / "list.csv", part, shard=f"{number}/3", **how)  # type: ignore[arg-type]
    joined = genvae.merge_stores(parts, tmp_path / "joined", progress=False)
    assert files(tmp_path / "joined") == files(tmp_path / "one")
    assert joined.attributes["mood"].words == ("calm", "wild")


def test_a_part_that_keeps_fewer_attributes_is_refused_with_its_name(tmp_path: Path) -> None:
    root = music(tmp_path / "music", 0, 4)
    parts = in_parts(root, tmp_path / "parts", 2)
    genvae.prepare(root, parts[0], shard="2/2", attributes="loudness", **HOW)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match=r"parts/1 does not keep the attribute 'loudness'"):
        genvae.merge_stores(parts, tmp_path / "joined", progress=False)
