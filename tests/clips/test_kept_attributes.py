"""Attributes of clips: kept beside the index, found once, and never a change to a store that was not asked for them."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from genvae.attributes import Attribute
from genvae.clips import estimates
from genvae.clips.attributes import FILE
from genvae.clips.batches import attributes_of
from genvae.clips.estimates import level
from genvae.clips.prepare import prepare
from genvae.clips.report import table
from genvae.clips.store import ClipStore
from genvae.clips.work import Settings
from genvae.errors import OptionError, PluginError, StoreError
from genvae.interfaces.dataset import Dataset, Recording

RATE = 8000
SETTINGS = Settings(sample_rate=RATE, clip_ms=1000)
SAID = {"fast": {"tempo": 150.0, "key": "C", "mood": "3"}, "slow": {"key": "D"}, "mute": {"tempo": 60, "mood": 4}}


class Clicks:
    """Eight seconds of clicks at a tempo, louder from clip to clip."""

    sample_rate = RATE
    channels = 1
    frames = 8 * RATE

    def __init__(self, beats_per_minute):
        self.period = round(60 * RATE / beats_per_minute)

    def blocks(self, frames):
        samples = np.zeros(self.frames, np.float32)
        for start in range(0, self.frames - 100, self.period):
            samples[start : start + 100] = 0.1 + 0.8 * start / self.frames
        for start in range(0, self.frames, frames):
            yield samples[start : start + frames, None]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


class Three(Dataset):
    """Three recordings, of which the dataset knows different things."""

    def recordings(self):
        for name, tempo in {"fast": 150, "slow": 75, "mute": 100}.items():
            yield Recording(
                id=name, genre="a", open=partial(Clicks, tempo), fingerprint="1", attributes=self.options.get(name)
            )


def run(out, *attributes, said=SAID, settings=SETTINGS):
    with ThreadPoolExecutor(1) as executor:
        return prepare([Three(said, out.parent / "src")], out, settings, attributes=attributes, executor=executor)


def content(store):
    return {str(f.relative_to(store)): f.read_bytes() for f in store.rglob("*") if f.is_file()}


def of(store, name):
    """The values by recording."""
    values, rows = store.attributes[name].values, store.index["recording"]
    return {r.id: values[rows == number] for number, r in enumerate(store.recordings)}


def test_a_store_that_is_not_asked_to_keep_any_is_as_it_was(tmp_path):
    run(tmp_path / "said")
    run(tmp_path / "silent", said={})
    assert content(tmp_path / "said") == content(tmp_path / "silent")
    assert ClipStore.open(tmp_path / "said").attributes == {}
    assert sorted(p.name for p in (tmp_path / "said").iterdir()) == ["index.npy", "report.json", "shards", "store.json"]


def test_what_a_store_comes_to_keep_leaves_its_clips_and_digest_alone(tmp_path):
    out = tmp_path / "store"
    run(out)
    before, digest = content(out), ClipStore.open(out).digest
    assert run(out, "loudness").measured == 3
    after = content(out)
    assert ClipStore.open(out).digest == digest
    changed = {name for name in after if after[name] != before.get(name)}
    assert {name.partition("/")[0] for name in changed} == {FILE, "report.json", "estimates"}
    assert run(out).measured == 0  # and it goes on keeping it
    assert content(out) == after


def test_loudness_is_the_mean_power_of_each_clip(tmp_path):
    run(tmp_path / "store", "loudness")
    store = ClipStore.open(tmp_path / "store")
    waves = store.waves(range(len(store))).astype(np.float64)
    expected = 10 * np.log10(np.mean(waves**2, axis=1))
    np.testing.assert_allclose(store.attributes["loudness"].values, expected, atol=1e-3)
    assert store.attributes["loudness"].unit == "dB"
    sine = np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE).astype(np.float32)
    assert level(sine[None]) == pytest.approx(-3.01, abs=0.01)


def test_what_a_recording_says_goes_before_what_is_found(tmp_path):
    run(tmp_path / "store", "tempo", "key", "mood")
    store = ClipStore.open(tmp_path / "store")
    tempo = of(store, "tempo")
    assert set(tempo["fast"]) == {150}
    assert set(tempo["mute"]) == {60}
    np.testing.assert_allclose(tempo["slow"], 75, rtol=0.01)
    assert store.attributes["key"].words == ("C", "D")
    assert set(of(store, "key")["slow"]) == {1}
    assert np.isnan(of(store, "key")["mute"]).all()
    assert store.attributes["mood"].words == ()
    assert set(of(store, "mood")["fast"]) == {3}


def test_a_recording_may_have_several_words_of_which_a_model_is_told_each(tmp_path):
    tags = {"fast": {"tags": "live; dark"}, "slow": {"tags": "dark ;live;"}, "mute": {"tags": "calm"}}
    report = run(tmp_path / "store", "tags", said=tags).report
    assert report["attributes"]["tags"] == {"clips": 24, "words": {"calm": 8, "dark": 16, "live": 16}}
    store = ClipStore.open(tmp_path / "store")
    kept = store.attributes["tags"]
    assert kept.words == ("calm", "dark;live")
    learnt = Attribute.of("tags", kept.values, words=kept.words)
    assert (learnt.words, learnt.several) == (("calm", "dark", "live"), True)
    numbers = np.array([np.flatnonzero(kept.values == place)[0] for place in (0, 1)])
    rows = attributes_of(store, numbers, [learnt])
    assert rows is not None
    assert rows.tolist() == [[1, 0, 0], [0, 1, 1]]
    elsewhere = attributes_of(store, numbers, [Attribute(name="tags", words=("live", "slow"), several=True)])
    assert elsewhere is not None
    assert elsewhere.tolist() == [[0, 0], [1, 0]]
    many = {"fast": {"tags": ";".join(map(str, range(300)))}}
    with pytest.raises(OptionError, match="has 300 different words; 256 at most"):
        run(tmp_path / "many", "tags", said=many)


def test_the_report_sums_them_up(tmp_path):
    report = run(tmp_path / "store", "tempo", "key").report
    assert report["attributes"]["key"] == {"clips": 16, "words": {"C": 8, "D": 8}}
    assert report["attributes"]["tempo"]["clips"] == 24
    shown = table(report)
    assert "C 8, D 8" in shown
    assert "60 to 150 beats a minute" in shown


def test_what_was_found_is_not_looked_for_again_and_what_is_damaged_is(tmp_path, monkeypatch):
    out, looked = tmp_path / "store", []
    monkeypatch.setattr(estimates, "level", lambda waves: looked.append(len(waves)) or level(waves))
    run(out, "loudness")
    assert len(looked) == 3
    before = content(out)
    damaged = sorted((out / "estimates").glob("*.json"))
    damaged[0].write_text("[" * 100_000)
    said = json.loads(damaged[1].read_text())
    said["estimates"]["loudness"]["values"].pop()
    damaged[1].write_text(json.dumps(said))
    assert run(out, "loudness").measured == 2
    assert content(out) == before
    assert len(looked) == 5


def test_a_stop_while_listening_costs_only_the_recording_at_hand(tmp_path, monkeypatch):
    out, calls = tmp_path / "store", []

    def stop(waves):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return level(waves)

    monkeypatch.setattr(estimates, "level", stop)
    with pytest.raises(KeyboardInterrupt):
        run(out, "loudness")
    assert run(out, "loudness").measured == 1
    fresh = tmp_path / "fresh"
    run(fresh, "loudness")
    assert content(fresh) == content(out)


def test_an_attribute_that_nothing_says_is_refused_before_anything_is_decoded(tmp_path):
    with pytest.raises(OptionError, match=r"'temop'. Did you mean 'tempo'\? `attributes` can be: key, loudness, mood"):
        run(tmp_path / "store", "temop")
    assert not (tmp_path / "store").exists()


def test_one_that_no_recording_says_any_more_goes(tmp_path):
    run(tmp_path / "store", "key")
    run(tmp_path / "store", said={})
    assert ClipStore.open(tmp_path / "store").attributes == {}


@pytest.mark.parametrize("value", [float("nan"), "", True, [1.0]])
def test_what_is_neither_number_nor_word_is_told_with_its_recording(tmp_path, value):
    with pytest.raises(PluginError, match="'fast' has the attribute 'key'"):
        run(tmp_path / "store", "key", said={"fast": {"key": value}})


@pytest.mark.parametrize("change", ["digest", "store", "shape", "text", "short"])
def test_a_file_that_is_damaged_or_of_another_store_is_told(tmp_path, change):
    run(tmp_path / "store", "key", "loudness")
    path = tmp_path / "store" / FILE
    values = load_file(path)["values"]
    if change == "short":
        path.write_bytes(path.read_bytes()[:-3])
    elif change == "text":
        path.write_text("no tensors")
    elif change == "store":
        run(tmp_path / "other", "key", "loudness", settings=Settings(sample_rate=RATE, clip_ms=500))
        path.write_bytes((tmp_path / "other" / FILE).read_bytes())
    else:
        head = path.read_bytes()[8:].split(b'"values"')[0]
        values = values[:-1] if change == "shape" else values + 1
        save_file({"values": values}, path, {"genvae": json.loads(head + b'"x":0}')["__metadata__"]["genvae"]})
    store = ClipStore.open(tmp_path / "store")
    with pytest.raises(StoreError, match="is damaged"):
        _ = store.attributes
    assert any("attributes" in what for what in store.damaged())


@given(st.binary(max_size=400))
def test_any_bytes_as_the_file_are_refused_as_a_store_error(tmp_path_factory, junk):
    folder = tmp_path_factory.mktemp("junk")
    (folder / FILE).write_bytes(junk)
    with pytest.raises(StoreError):
        estimates_of(folder)


def estimates_of(folder):
    from genvae.clips.attributes import kept_names, read_attributes

    assert kept_names(folder) == []
    return read_attributes(folder, "x", 3)
