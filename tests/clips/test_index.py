"""The index of a store: mapped rather than read, and compared with the table of recordings row by row."""

from __future__ import annotations

import io
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest

from genvae.clips import index
from genvae.clips.index import INDEX, check_index, index_content, map_index

RECORDINGS = 700
CLIPS = 1 + np.arange(RECORDINGS, dtype=np.int64) % 1500
GENRES, SPLITS = np.arange(RECORDINGS) % 3, np.arange(RECORDINGS) % 2


def rows() -> np.ndarray:
    """An index that fits CLIPS, GENRES and SPLITS."""
    made = np.zeros(CLIPS.sum(), INDEX)
    made["recording"] = np.repeat(np.arange(RECORDINGS), CLIPS)
    made["row"] = np.concatenate([np.arange(count) for count in CLIPS])
    made["genre"], made["split"] = GENRES[made["recording"]], SPLITS[made["recording"]]
    return made


def saved(index: np.ndarray) -> bytes:
    """An index as NumPy writes it."""
    file = io.BytesIO()
    np.save(file, index)
    return file.getvalue()


def test_an_index_that_is_written_in_parts_is_the_file_that_numpy_writes() -> None:
    whole = rows()
    assert b"".join(index_content(len(whole), np.array_split(whole, 7))) == saved(whole)
    assert b"".join(index_content(0, [])) == saved(whole[:0])


def test_an_index_is_mapped_from_its_file_and_holds_what_was_written(tmp_path: Path) -> None:
    content = saved(rows())
    (tmp_path / "index.npy").write_bytes(content)
    expected = blake2b(b"head" + content, digest_size=16).hexdigest()
    opened = map_index(tmp_path / "index.npy", blake2b(b"head", digest_size=16), expected)
    np.testing.assert_array_equal(opened, rows())
    assert isinstance(opened.base, np.memmap)
    assert not opened.flags.writeable
    with pytest.raises(ValueError, match="digest"):
        map_index(tmp_path / "index.npy", blake2b(b"other", digest_size=16), expected)


def test_an_index_without_clips_is_empty(tmp_path: Path) -> None:
    (tmp_path / "index.npy").write_bytes(saved(rows()[:0]))
    expected = blake2b(saved(rows()[:0]), digest_size=16).hexdigest()
    assert len(map_index(tmp_path / "index.npy", blake2b(digest_size=16), expected)) == 0


@pytest.mark.parametrize("block", [1, 1000, 1 << 18])
def test_rows_that_fit_pass_however_many_are_looked_at_together(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = rows()[: 4000 if block == 1 else None]
    clips = np.bincount(made["recording"], minlength=RECORDINGS)
    monkeypatch.setattr(index, "_ROWS", block)
    check_index(made, clips, GENRES, SPLITS)
    check_index(made[np.random.default_rng(0).permutation(len(made))], clips, GENRES, SPLITS)


@pytest.mark.parametrize("place", [0, 999, 1000, -1])
@pytest.mark.parametrize(
    ("column", "value"),
    [("recording", -1), ("recording", RECORDINGS), ("row", -1), ("row", 2000), ("genre", 7), ("split", 3)],
)
def test_one_row_that_does_not_fit_is_found_anywhere(
    place: int, column: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "_ROWS", 1000)
    made = rows()
    made[column][place] = value
    with pytest.raises(ValueError, match="out of range"):
        check_index(made, CLIPS, GENRES, SPLITS)


def test_a_recording_with_another_number_of_clips_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "_ROWS", 1000)
    with pytest.raises(ValueError, match="disagree"):
        check_index(rows()[:-1], CLIPS, GENRES, SPLITS)
    with pytest.raises(ValueError, match="disagree"):
        check_index(np.zeros(0, INDEX), CLIPS, GENRES, SPLITS)
