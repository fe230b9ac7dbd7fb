"""The manifest dataset: rows that are right, and every row that is wrong named by its line."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import soundfile

from genvae.clips.prepare import prepare
from genvae.clips.store import ClipStore
from genvae.clips.work import Settings
from genvae.errors import AudioError, GenvaeError
from genvae_plugins.datasets.manifest import Manifest

RATE = 8000


def put(path, seconds=2.0):
    """A ramp, so that each sample says where it stands."""
    soundfile.write(path, np.arange(round(RATE * seconds)) / 32768, RATE, subtype="PCM_16")
    return path


def listed(path):
    return list(Manifest(None, path).recordings())


def test_csv_and_json_lines_say_the_same(tmp_path):
    put(tmp_path / "a b.wav")
    put(tmp_path / "é🎵.wav")
    rows = [
        {"path": "a b.wav", "genre": "rock", "split": "validation", "licence": "CC-BY", "start": "0.5", "end": "1.25"},
        {"path": "é🎵.wav", "genre": "piano", "split": "", "licence": "", "start": "", "end": ""},
    ]
    text = "".join(",".join(row) + "\n" for row in [list(rows[0]), *(r.values() for r in rows)])
    (tmp_path / "list.csv").write_text("\ufeff" + text, encoding="utf-8")
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    one, other = listed(tmp_path / "list.csv"), listed(tmp_path / "list.jsonl")
    said = [(r.id, r.genre, r.split, r.licence, r.fingerprint) for r in one]
    assert said == [(r.id, r.genre, r.split, r.licence, r.fingerprint) for r in other]
    assert said[0][:4] == ("a b.wav#t=0.5,1.25", "rock", "validation", "CC-BY")
    assert said[1][:4] == ("é🎵.wav", "piano", None, None)
    with one[0].open() as stream:
        sound = np.concatenate(list(stream.blocks(777)))[:, 0]
    np.testing.assert_array_equal(np.rint(sound * 32768), np.arange(4000, 10000))


def test_names_that_are_not_utf8_survive(tmp_path):
    put(tmp_path / "x.wav").rename(tmp_path / os.fsdecode(b"caf\xe9.wav"))
    (tmp_path / "list.csv").write_bytes(b"path,genre\ncaf\xe9.wav,rock\n")
    (recording,) = listed(tmp_path / "list.csv")
    with recording.open() as stream:
        assert stream.frames == 16000


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"genre": "rock"}, "no path"),
        ({"path": "a.wav"}, "no genre"),
        ({"path": "a.wav", "genre": "rock", "split": "vaildation"}, "Did you mean 'validation'"),
        ({"path": "a.wav", "genre": "rock", "start": "soon"}, "start is 'soon'"),
        ({"path": "a.wav", "genre": "rock", "start": -1}, "start is -1"),
        ({"path": "a.wav", "genre": "rock", "end": float("nan")}, "end is nan"),
        ({"path": "a.wav", "genre": "rock", "start": 2, "end": 1}, "does not come after"),
        ({"path": "a.wav", "genre": "rock", "start": 100}, "before the start"),
        ({"path": "a.wav", "genre": 7}, "no genre"),
        ({"path": "a\0.wav", "genre": "rock"}, "zero byte"),
    ],
)
def test_a_wrong_row_is_told_and_costs_no_other(tmp_path, row, reason):
    put(tmp_path / "a.wav")
    lines = [json.dumps({"path": "a.wav", "genre": "rock"}), json.dumps(row), "{not json", "[1, 2]"]
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    good, wrong, *broken = listed(tmp_path / "list.jsonl")
    with good.open() as stream:
        assert stream.frames == 16000
    with pytest.raises(AudioError, match=reason):
        wrong.open()
    assert len(broken) == 2
    for each in broken:
        with pytest.raises(AudioError, match=r"line [34]: there is no path"):
            each.open()


def test_the_same_row_twice_is_told_with_both_lines(tmp_path):
    put(tmp_path / "a.wav")
    (tmp_path / "list.csv").write_text("path,genre\na.wav,rock\na.wav,rock\n")
    first, second = listed(tmp_path / "list.csv")
    assert first.id != second.id
    with pytest.raises(AudioError, match="line 3 says the same as line 2"):
        second.open()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("list.csv", "file,genre\n", "no column 'path'"),
        ("list.csv", "", "no column 'path'"),
        ("list.txt", "path,genre\n", r"\.csv or \.jsonl"),
    ],
)
def test_a_manifest_that_can_not_be_used_is_told_in_words(tmp_path, name, content, reason):
    (tmp_path / name).write_text(content)
    with pytest.raises(GenvaeError, match=reason):
        listed(tmp_path / name)
    with pytest.raises(GenvaeError, match="can't be read"):
        listed(tmp_path / "none.csv")


def test_parts_of_one_file_stand_in_one_split_and_splits_that_are_said_are_kept(tmp_path):
    rows = ["path,genre,split,start,end"]
    for n in range(8):
        put(tmp_path / f"{n}.wav", seconds=2 + n / 10)
        rows += [f"{path},rock,,{start},{start + 0.5}" for path in (f"{n}.wav", f"./{n}.wav") for start in (0, 1)]
    put(tmp_path / "said.wav", seconds=3)
    rows.append("said.wav,rock,validation,,")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    with ThreadPoolExecutor(2) as executor:
        settings = Settings(dataset="manifest", sample_rate=RATE, clip_ms=100, validation=0.4)
        prepare([Manifest(None, tmp_path / "list.csv")], tmp_path / "store", settings, executor=executor)
    splits: dict[str, set[str]] = {}
    for recording in ClipStore.open(tmp_path / "store").recordings:
        splits.setdefault(recording.id.partition("#")[0].removeprefix("./"), set()).add(recording.split)
    assert len(splits) == 9
    assert all(len(each) == 1 for each in splits.values())
    assert splits["said.wav"] == {"validation"}


def test_other_columns_are_attributes_numbers_or_words(tmp_path):
    put(tmp_path / "a.wav")
    (tmp_path / "list.csv").write_text("path,genre,tempo,key,tags,empty\na.wav,rock,128, C# ,dark; fast,\n")
    rows = [{"path": "a.wav", "genre": "rock", "tempo": 128, "live": True, "tags": ["dark", "fast"], "none": [1]}]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert listed(tmp_path / "list.csv")[0].attributes == {"tempo": "128", "key": "C#", "tags": "dark; fast"}
    assert listed(tmp_path / "list.jsonl")[0].attributes == {"tempo": 128, "live": "true", "tags": "dark;fast"}
