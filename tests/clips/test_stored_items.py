"""Items of a shard read one by one, in any order and from several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from genvae.clips.stored_items import StoredItems
from genvae.errors import StoreError

ITEMS = np.random.default_rng(0).integers(-999, 999, (50, 4, 7)).astype("<i2")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    np.save(tmp_path / "items.npy", ITEMS)
    return tmp_path / "items.npy"


@pytest.mark.parametrize(
    "rows", [[3], [9, 2, 2, 49], [0, 1, 2, 40, 41, 7], [], slice(None), slice(5, 9), slice(9, 5), 6]
)
def test_rows_are_those_of_the_array_that_was_saved(path: Path, rows: object) -> None:
    rows = np.array(rows, np.int64) if isinstance(rows, list) else rows
    read = StoredItems(path)[rows]
    np.testing.assert_array_equal(read, ITEMS[rows])  # type: ignore[call-overload]
    assert read.dtype == ITEMS.dtype


def test_a_row_that_is_not_there_is_refused(path: Path) -> None:
    with pytest.raises(IndexError):
        StoredItems(path)[np.array([50])]


def test_several_threads_read_one_shard(path: Path) -> None:
    items = StoredItems(path)
    orders = [np.random.default_rng(seed).permutation(50) for seed in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for order, read in zip(orders, pool.map(items.__getitem__, orders), strict=True):
            np.testing.assert_array_equal(read, ITEMS[order])


def test_a_file_that_is_cut_short_is_told_at_once_or_when_it_is_read(path: Path) -> None:
    items = StoredItems(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])  # the same file, which is open
    with pytest.raises(StoreError, match=r"items\.npy is cut short"):
        items[np.array([49])]
    np.testing.assert_array_equal(items[np.array([48])], ITEMS[[48]])
    with pytest.raises(ValueError, match="cut short"):
        StoredItems(path)


def test_what_is_no_array_of_items_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "columns.npy", np.asfortranarray(ITEMS[0]))
    np.save(tmp_path / "one.npy", np.float32(1))
    for name in ("objects", "columns", "one"):
        with pytest.raises(ValueError, match="no items"):
            StoredItems(tmp_path / f"{name}.npy")
