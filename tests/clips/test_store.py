"""Stores as files that may come from anywhere: what is read back, and what is refused."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genvae.clips.index import INDEX
from genvae.clips.prepare import prepare
from genvae.clips.shard import ShardWriter, items_digest, map_shard, new_shard, shard_path
from genvae.clips.store import ClipStore, store_digest
from genvae.clips.work import Settings
from genvae.errors import StoreError
from genvae.interfaces.dataset import Dataset, Recording

SETTINGS = Settings(dataset="tones", sample_rate=8000, clip_ms=100)


class Tone:
    """A stream whose int16 samples are known: sample i of recording n is a fixed function of both."""

    sample_rate, channels = 8000, 1

    def __init__(self, n: int) -> None:
        self.n, self.frames = n, 800 * (n + 3) - 17

    def pcm(self) -> np.ndarray:
        return np.random.default_rng(self.n).integers(-20000, 20000, self.frames).astype(np.int16)

    def blocks(self, frames):
        yield (self.pcm() / 32768).astype(np.float32)[:, None]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Tones(Dataset):
    def recordings(self):
        for n in range(6):
            yield Recording(
                id=f"{n}", genre=["rock", "piano"][n % 2], open=partial(Tone, n), fingerprint="1", licence="CC0"
            )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / "store"
    with ThreadPoolExecutor(2) as executor:
        prepare([Tones(None, path.parent / "tones")], path, SETTINGS, executor=executor)
    return path


def test_clips_come_back_as_they_went_in(path):
    store = ClipStore.open(path)
    assert (store.sample_rate, store.clip_samples, store.genres) == (8000, 800, ("piano", "rock"))
    assert len(store) == sum(range(3, 9))
    assert store.index.dtype == INDEX
    order = np.random.default_rng(0).permutation(len(store))
    clips = store.read(order)
    assert clips.dtype == np.int16
    for clip, row in zip(clips, store.index[order], strict=True):
        recording = store.recordings[row["recording"]]
        pcm = np.append(Tone(int(recording.id)).pcm(), np.zeros(17, np.int16))
        np.testing.assert_array_equal(clip, pcm[row["offset"] : row["offset"] + 800])
        assert row["peak"] == np.abs(clip.astype(int)).max()
        assert store.genres[row["genre"]] == recording.genre
        assert recording.licence == "CC0"
    np.testing.assert_array_equal(store.waves(order), clips.astype(np.float32) / 32768)
    store.verify()


def test_selections_are_disjoint_and_whole(path):
    store = ClipStore.open(path)
    parts = [store.select(split=s, genre=g) for s in ("train", "validation") for g in store.genres]
    assert all(part.dtype == np.int64 and len(part) for part in parts)
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(len(store)))
    assert len(store.select()) == len(store)
    with pytest.raises(StoreError, match="Did you mean 'piano'"):
        store.select(genre="paino")
    assert store.read([]).shape == (0, 800)
    with pytest.raises(IndexError):
        store.read([len(store)])
    with pytest.raises(IndexError):
        store.read([-1])


def test_threads_read_the_same(path, monkeypatch):
    monkeypatch.setattr("genvae.clips.store._OPEN_SHARDS", 2)
    store = ClipStore.open(path)
    expected = ClipStore.open(path).read(np.arange(len(store)))
    draws = [np.random.default_rng(i).integers(0, len(store), 50) for i in range(60)]
    with ThreadPoolExecutor(8) as threads:
        for draw, clips in zip(draws, threads.map(store.read, draws), strict=True):
            np.testing.assert_array_equal(clips, expected[draw])


def copied(path, folder):
    for file in path.rglob("*"):
        if file.is_file():
            target = folder / file.relative_to(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    return folder


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_any_change_to_any_file_that_is_read_is_noticed(path, tmp_path_factory, data):
    store = copied(path, tmp_path_factory.mktemp("damaged"))
    read = [store / "store.json", store / "index.npy", *sorted(store.glob("shards/*.npy"))]
    file = data.draw(st.sampled_from(read))
    content = bytearray(file.read_bytes())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    file.write_bytes(content)
    try:
        opened = ClipStore.open(store)
        opened.verify()
    except StoreError:
        return
    # The padding of a header or JSON's white space may change without meaning.
    whole = ClipStore.open(path)
    assert opened.digest == whole.digest
    np.testing.assert_array_equal(opened.read(np.arange(len(whole))), whole.read(np.arange(len(whole))))


def test_what_is_no_store_is_told_in_words(path, tmp_path):
    with pytest.raises(StoreError, match="no clip store"):
        ClipStore.open(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="no clip store"):
        ClipStore.open(tmp_path / "file")
    store = copied(path, tmp_path / "store")
    head = json.loads((store / "store.json").read_text())
    (store / "store.json").write_text(json.dumps(head | {"complete": False}))
    with pytest.raises(StoreError, match="unfinished"):
        ClipStore.open(store)
    (store / "store.json").write_text(json.dumps(head | {"format": 99}))
    with pytest.raises(StoreError, match="format 99"):
        ClipStore.open(store)
    for hostile in ("../../secret", "/etc/passwd", 7, None):
        recordings = [head["recordings"][0] | {"key": hostile}, *head["recordings"][1:]]
        forged = {k: v for k, v in head.items() if k != "digest"} | {"recordings": recordings}
        forged["digest"] = store_digest(forged, (store / "index.npy").read_bytes())
        (store / "store.json").write_text(json.dumps(forged))
        with pytest.raises(StoreError, match="damaged"):
            ClipStore.open(store)


def test_pickles_are_never_loaded(tmp_path):
    key = "0" * 32
    np.save(shard_path(tmp_path, key), np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(StoreError, match="can't be read"):
        map_shard(tmp_path, key, 1, (), "O")


@given(
    st.sampled_from(["u1", "<i2", "<f4"]),
    st.lists(st.integers(1, 5), max_size=3),
    st.lists(st.integers(1, 9), max_size=5),
)
@settings(deadline=None, max_examples=25)
def test_a_shard_holds_items_of_any_shape_and_type(tmp_path_factory, dtype, shape, counts):
    folder, key = tmp_path_factory.mktemp("shard"), "f" * 32
    parts = [np.random.default_rng(n).integers(0, 100, (n, *shape)).astype(dtype) for n in counts]
    with new_shard(folder, key, tuple(shape), dtype) as shard:
        for part in parts:
            shard.append(part)
    if not parts:
        assert not list(folder.iterdir())
        return
    items = np.concatenate(parts)
    assert shard_path(folder, key).stat().st_size == shard.size
    mapped = map_shard(folder, key, len(items), tuple(shape), dtype)
    np.testing.assert_array_equal(mapped, items)
    assert items_digest(mapped) == shard.digest
    with pytest.raises(StoreError):
        map_shard(folder, key, len(items) + 1, tuple(shape), dtype)


def test_a_shard_refuses_items_of_another_form(tmp_path):
    with (tmp_path / "x").open("w+b") as file:
        writer = ShardWriter(file, (3,), "<i2")
        with pytest.raises(ValueError, match="expected int16"):
            writer.append(np.zeros((2, 3), np.int32))


def forged(path, folder, **changes):
    """A copy of a store with other values in its head, and the digest that fits."""
    store = copied(path, folder)
    head = json.loads((store / "store.json").read_text()) | changes
    head["digest"] = store_digest(head, (store / "index.npy").read_bytes())
    (store / "store.json").write_text(json.dumps(head))
    return store


@pytest.mark.parametrize(
    "changes",
    [
        {"item": {"shape": [2**62], "dtype": "<i2"}},
        {"item": {"shape": [799], "dtype": "<i2"}},
        {"item": {"shape": [800], "dtype": "O"}},
        {"item": {"shape": [800], "dtype": "(("}},
        {"item": 3},
        {"genres": ["piano", "piano"]},
        {"genres": 3},
        {"sample_rate": 1e9},
        {"clip_samples": True},
        {"recordings": [[1]]},
        {"recordings": {"a": 1}},
        {"recordings": []},
        {"settings": [1]},
    ],
)
def test_a_head_that_claims_what_can_not_be_is_damage(path, tmp_path, changes):
    with pytest.raises(StoreError):
        ClipStore.open(forged(path, tmp_path / "store", **changes))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format": Infinity}', "7", "\xff"])
def test_a_head_that_is_no_json_of_ours_is_told(path, tmp_path, text):
    store = copied(path, tmp_path / "store")
    (store / "store.json").write_text(text, encoding="latin-1")
    with pytest.raises(StoreError, match=r"store\.json"):
        ClipStore.open(store)


def test_an_index_of_another_kind_or_of_an_impossible_size_is_damage(path, tmp_path):
    archive, huge = io.BytesIO(), io.BytesIO()
    np.savez(archive, a=np.arange(3))
    described = np.lib.format.dtype_to_descr(INDEX)
    np.lib.format.write_array_header_1_0(huge, {"descr": described, "fortran_order": False, "shape": (2**62,)})
    for number, content in enumerate((archive.getvalue(), huge.getvalue(), b"", b"\x93NUMPY")):
        store = copied(path, tmp_path / str(number))
        (store / "index.npy").write_bytes(content)
        with pytest.raises(StoreError, match="damaged"):
            ClipStore.open(forged(store, tmp_path / f"forged {number}"))


def test_a_shard_that_claims_an_impossible_size_or_is_an_archive_is_told(path, tmp_path):
    archive, huge = io.BytesIO(), io.BytesIO()
    np.savez(archive, a=np.arange(100_000))
    np.lib.format.write_array_header_1_0(huge, {"descr": "<i2", "fortran_order": False, "shape": (2**62, 800)})
    for number, content in enumerate((archive.getvalue(), huge.getvalue() + bytes(100_000))):
        store = copied(path, tmp_path / str(number))
        sorted(store.glob("shards/*.npy"))[0].write_bytes(content)
        opened = ClipStore.open(store)
        with pytest.raises(StoreError, match="The shard"):
            opened.read(np.arange(len(opened)))


def test_a_shard_that_is_missing_or_cut_short_is_noticed_when_the_store_is_opened(path, tmp_path):
    store = copied(path, tmp_path / "store")
    shard = sorted(store.glob("shards/*.npy"))[0]
    shard.write_bytes(shard.read_bytes()[:-200])
    with pytest.raises(StoreError, match="is cut short"):
        ClipStore.open(store)
    shard.unlink()
    with pytest.raises(StoreError, match="is missing"):
        ClipStore.open(store)


def test_shifted_clips_run_on_into_the_clip_that_follows_if_there_is_one(tone_store):
    store = ClipStore.open(tone_store)
    numbers = store.select(genre="low")
    shifts = np.random.default_rng(0).integers(1, store.clip_samples, size=len(numbers))
    waves = store.shifted_waves(numbers, shifts)
    recordings, offsets = store.index["recording"][numbers], store.index["offset"][numbers]
    for number, shift, wave in zip(numbers, shifts.tolist(), waves, strict=True):
        own = numbers[recordings == store.index["recording"][number]]
        whole = store.waves(own).ravel()  # the tones have no silence, so their clips follow one another
        start = int(store.index["offset"][number])
        begins = start + (shift if start < offsets[recordings == store.index["recording"][number]].max() else 0)
        np.testing.assert_array_equal(wave, whole[begins : begins + store.clip_samples])
