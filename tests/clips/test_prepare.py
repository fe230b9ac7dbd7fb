"""Preparing stores: the same bytes whatever happens on the way, and no good recording lost to a bad one."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genvae.audio.decode import SoundfileStream
from genvae.clips import work
from genvae.clips.prepare import prepare
from genvae.clips.report import table
from genvae.clips.store import ClipStore
from genvae.clips.work import Settings
from genvae.errors import DiskError, GenvaeError, OptionError, PluginError, StoreError
from genvae.interfaces.dataset import Dataset, Recording
from genvae.text import printable
from genvae_plugins.datasets.folder import Folder

SETTINGS = Settings(sample_rate=8000, clip_ms=100)


def write(path: Path, seed: int = 0, seconds: float = 0.55, rate: int = 8000, **form: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(seed).uniform(-0.5, 0.5, round(rate * seconds)), rate, **form)
    return path


def corpus(root: Path, count: int = 4) -> Path:
    for n in range(count):
        write(root / "rock" / f"{n}.wav", n)
        write(root / "piano" / f"{n}.flac", 100 + n, rate=11025)
    return root


def run(*roots: Path, out: Path, settings: Settings = SETTINGS):
    with ThreadPoolExecutor(2) as executor:
        return prepare([Folder(None, root) for root in roots], out, settings, executor=executor)


def digests(store: Path) -> dict[str, str]:
    files = (f for f in store.rglob("*") if f.is_file())
    return {str(f.relative_to(store)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def times(store: Path) -> dict[str, int]:
    return {str(f): f.stat().st_mtime_ns for f in store.rglob("*")}


def test_the_second_run_touches_nothing(tmp_path):
    root, out = corpus(tmp_path / "music"), tmp_path / "store"
    assert run(root, out=out).decoded == 8
    before = digests(out), times(out)
    assert run(root, out=out).decoded == 0
    assert (digests(out), times(out)) == before


def test_only_what_is_new_or_changed_is_decoded_and_what_is_gone_goes(tmp_path):
    root, out = corpus(tmp_path / "music"), tmp_path / "store"
    run(root, out=out)
    write(root / "rock" / "added.wav", 55)
    assert run(root, out=out).decoded == 1
    os.utime(root / "rock" / "1.wav", (1, 1))
    assert run(root, out=out).decoded == 1
    (root / "rock" / "2.wav").unlink()
    ran = run(root, out=out)
    assert (ran.decoded, ran.removed) == (0, ["music/rock/2.wav"])
    fresh = tmp_path / "fresh"
    run(root, out=fresh)
    assert digests(out / "shards") == digests(fresh / "shards")
    assert splits(out).keys() == splits(fresh).keys()


def test_a_shard_that_was_damaged_or_deleted_is_made_again(tmp_path):
    root, out = corpus(tmp_path / "music"), tmp_path / "store"
    run(root, out=out)
    before = digests(out)
    shards = sorted(out.glob("shards/*.npy"))
    shards[0].unlink()
    shards[1].write_bytes(shards[1].read_bytes()[:-10])
    shards[2].with_suffix(".json").write_text("{")
    (out / "shards" / ".left.tmp").write_text("of a run that was killed")
    assert run(root, out=out).decoded == 3
    assert digests(out) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda seal: "[" * 100_000,
        lambda seal: json.dumps(seal | {"clips": str(seal["clips"])}),
        lambda seal: json.dumps(seal | {"offsets": [2**70] * seal["clips"]}),
        lambda seal: json.dumps(seal | {"peaks": [-1] * seal["clips"]}),
        lambda seal: json.dumps(seal | {"peaks": [None] * seal["clips"]}),
        lambda seal: json.dumps(seal | {"offsets": 3}),
        lambda seal: json.dumps(seal | {"reason": {"a": 1}}),
        lambda seal: json.dumps(seal | {"seconds": float("inf")}),
        lambda seal: json.dumps(seal | {"state": ["kept"]}),
    ],
)
def test_a_seal_that_is_damaged_in_any_way_is_made_again(tmp_path, change):
    root, out = corpus(tmp_path / "music", 1), tmp_path / "store"
    run(root, out=out)
    before = digests(out)
    seal = sorted(out.glob("shards/*.json"))[0]
    seal.write_text(change(json.loads(seal.read_text())))
    assert run(root, out=out).decoded == 1
    assert digests(out) == before


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ENOSPC])
def test_what_the_store_refuses_is_never_a_recordings_fault(tmp_path, monkeypatch, number):
    def refused(*_):
        raise OSError(number, os.strerror(number))

    root, out = corpus(tmp_path / "music", 1), tmp_path / "store"
    for name in ("write_seal", "new_shard"):
        with monkeypatch.context() as patched:
            patched.setattr(work, name, refused)
            with pytest.raises(DiskError, match=rf"{out} can't be written: {os.strerror(number)}"):
                run(root, out=out)
    assert run(root, out=out).report["recordings"]["skipped"] == 0


class OneUnreachable(Folder):
    def recordings(self):
        yield from super().recordings()
        yield Recording(id="bad", genre="a", open=unreachable, fingerprint="1")


def unreachable():
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_recording_that_the_system_does_not_give_costs_no_other_and_is_tried_again(tmp_path):
    dataset = OneUnreachable(None, corpus(tmp_path / "music", 1))
    for decoded in (3, 1):
        with ThreadPoolExecutor(1) as executor:
            prepared = prepare([dataset], tmp_path / "store", SETTINGS, executor=executor)
        assert prepared.decoded == decoded
        assert [(each["id"], each["reason"]) for each in prepared.report["skipped"]] == [
            ("bad", os.strerror(errno.EIO))
        ]


def test_processes_threads_and_their_number_give_the_same_bytes(tmp_path):
    root = corpus(tmp_path / "music")
    run(root, out=tmp_path / "threads")
    expected = digests(tmp_path / "threads")
    for workers in (1, 2):
        out = tmp_path / f"processes{workers}"
        prepare([Folder(None, root)], out, SETTINGS, workers=workers)
        assert digests(out) == expected


def test_progress_counts_each_recording_once(tmp_path):
    seen = []
    with ThreadPoolExecutor(2) as executor:
        folder = Folder(None, corpus(tmp_path / "music"))
        prepare([folder], tmp_path / "store", SETTINGS, executor=executor, listener=seen.append)
    assert [(event.done, event.total) for event in seen] == [(n, 8) for n in range(9)]


KILLED = """
import sys
from pathlib import Path
from genvae.clips.prepare import prepare
from genvae.clips.work import Settings
from genvae_plugins.datasets.folder import Folder

if __name__ == "__main__":
    root, out = map(Path, sys.argv[1:])
    prepare([Folder(None, root)], out, Settings(sample_rate=8000, clip_ms=100), workers=2)
"""


@pytest.mark.parametrize("after", [1, 3, 9])
def test_killed_in_the_middle_and_run_again_it_ends_in_the_same_bytes(tmp_path, after):
    root, out, script = tmp_path / "music", tmp_path / "store", tmp_path / "script.py"
    for n in range(12):
        write(root / "rock" / f"{n}.flac", n, seconds=20, rate=11025)
    script.write_text(KILLED)
    process = subprocess.Popen([sys.executable, str(script), str(root), str(out)])
    while len(list(out.glob("shards/*.json"))) < after and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(list(out.glob("shards/*.json"))) >= after
    if not (out / "report.json").exists():
        with pytest.raises(StoreError, match="unfinished"):
            ClipStore.open(out)
    ran = run(root, out=out)
    assert ran.decoded <= 12 - after
    run(root, out=tmp_path / "fresh")
    assert digests(out) == digests(tmp_path / "fresh")
    ClipStore.open(out).verify()


def damaged(root: Path, count: int = 50) -> set[str]:
    """Write `count` files that are broken in many ways, and say which."""
    rng = np.random.default_rng(0)
    whole = write(root.parent / "whole.wav", 1, seconds=1).read_bytes()
    flac = write(root.parent / "whole.flac", 2, seconds=2).read_bytes()
    names = set()
    for n in range(count):
        kind = ["empty", "zeros", "text", "cut", "flip", "nan", "channels", "rate", "cut flac", "image"][n % 10]
        path = root / "rock" / f"damaged {n} {kind}{'.flac' if 'fl' in kind else '.wav'}"
        names.add(f"rock/{path.name}")
        if kind == "nan":
            soundfile.write(path, np.full(4000, np.nan), 8000, subtype="FLOAT")
            continue
        content = bytearray(flac if "fl" in kind else whole)
        if kind == "empty":
            content = b""
        elif kind == "zeros":
            content = bytes(3000)
        elif kind == "text":
            content = b"These are the notes on this recording.\n" * 20
        elif kind == "cut":
            content = content[: int(rng.integers(10, len(content) - 100))]
        elif kind == "cut flac":
            content = content[: int(rng.integers(10, len(content) // 2))]
        elif kind == "flip":
            for place in rng.integers(200, len(content) // 2, 40):
                content[place] ^= 1 << int(rng.integers(8))
        elif kind == "channels":
            content[22:24] = b"\0\0"
        elif kind == "rate":
            content[24:28] = b"\0\0\0\0"
        elif kind == "image":
            content = b"\x89PNG\r\n\x1a\n" + rng.bytes(500)
        path.write_bytes(content)
    return names


@pytest.mark.parametrize("good", [250, pytest.param(1000, marks=pytest.mark.slow)])
def test_fifty_damaged_files_among_many_good_ones_are_each_named_and_cost_no_good_one(tmp_path, good):
    root, out = tmp_path / "music", tmp_path / "store"
    for n in range(good):
        write(root / ("rock", "piano")[n % 2] / f"good {n}.wav", n, seconds=0.21)
    run(root, out=tmp_path / "alone")
    bad = damaged(root)
    report = run(root, out=out).report
    with_bad, alone = digests(out), digests(tmp_path / "alone")
    assert all(with_bad[name] == digest for name, digest in alone.items() if name.startswith("shards/"))
    assert json.loads((out / "report.json").read_text()) == report
    sides = splits(tmp_path / "alone")
    assert {name: side for name, side in splits(out).items() if name in sides} == sides
    assert report["recordings"]["found"] == good + 50
    assert report["recordings"]["kept"] == good
    assert report["recordings"]["partial"] + report["recordings"]["skipped"] == 50
    named = report["partial"] + report["skipped"]
    assert {each["id"] for each in named} == bad
    assert all(each["reason"] and "\n" not in each["reason"] for each in named)
    assert {each["id"] for each in report["partial"]} <= {name for name in bad if "cut" in name or "flip" in name}
    assert report["recordings"]["partial"] >= 5
    assert sum("good" in r.id for r in ClipStore.open(out).recordings) == good
    text = table(report)
    assert all(printable(name) in text for name in bad)
    assert run(root, out=out).decoded == 0  # they are not tried again


def test_the_report_counts_clips_that_are_silent_not_finite_or_too_loud(tmp_path):
    wave = np.full(8000, 0.1)
    wave[800:1600] = 0
    wave[1600:2400] = 0.0009  # just below -60 dB
    wave[2400:3200] = 0.0011
    wave[4000] = np.nan
    wave[5000] = 1.5
    (tmp_path / "music" / "rock").mkdir(parents=True)
    soundfile.write(tmp_path / "music" / "rock" / "a.wav", wave, 8000, subtype="FLOAT")
    report = run(tmp_path / "music", out=tmp_path / "store").report
    assert report["clips"] == {"kept": 7, "silent": 2, "refused": 1, "clipped": 1}
    assert report["refused"][0]["id"] == "rock/a.wav"
    assert (ClipStore.open(tmp_path / "store").index["offset"] // 800).tolist() == [0, 3, 4, 6, 7, 8, 9]


def splits(store: Path) -> dict[str, str]:
    return {recording.id: recording.split for recording in ClipStore.open(store).recordings}


def test_a_recording_never_changes_sides_because_others_are_added(tmp_path, monkeypatch):
    root, out = tmp_path / "music", tmp_path / "store"
    settings = Settings(sample_rate=8000, clip_ms=100, validation=0.3)
    before = {}
    for batch in range(8):
        for n in range(2):
            write(root / "rock" / f"{batch} {n}.wav", 10 * batch + n)
        if batch == 4:  # one that is stopped in the middle forgets nothing
            with monkeypatch.context() as stopped:
                stopped.setattr("genvae.clips.prepare.run_tasks", stop)
                with pytest.raises(KeyboardInterrupt):
                    run(root, out=out, settings=settings)
        run(root, out=out, settings=settings)
        now = splits(out)
        assert {name: now[name] for name in before} == before
        before = now
    (root / "rock" / "0 0.wav").rename(root / "rock" / "renamed.wav")
    run(root, out=out, settings=settings)
    assert splits(out) == {name.replace("0 0.wav", "renamed.wav"): side for name, side in before.items()}


def stop(*_, **__):
    raise KeyboardInterrupt


def test_copies_under_other_names_stand_in_one_split(tmp_path):
    root = tmp_path / "music"
    for n in range(12):
        original = write(root / "rock" / f"{n}.wav", n)
        (root / "rock" / f"copy of {n}.wav").write_bytes(original.read_bytes())
    run(root, out=tmp_path / "store", settings=Settings(sample_rate=8000, clip_ms=100, validation=0.3))
    store = ClipStore.open(tmp_path / "store")
    split = {r.id: r.split for r in store.recordings}
    assert set(split.values()) == {"train", "validation"}
    assert all(split[f"rock/{n}.wav"] == split[f"rock/copy of {n}.wav"] for n in range(12))
    for number, recording in enumerate(store.recordings):
        rows = store.index[store.index["recording"] == number]
        assert set(rows["split"]) == {("train", "validation").index(recording.split)}


def test_several_sources_make_one_store_and_none_may_be_forgotten_later(tmp_path):
    one, other = corpus(tmp_path / "a" / "music", 2), tmp_path / "b" / "music"
    write(other / "techno" / "x.wav", 7)
    out = tmp_path / "store"
    run(one, other, one, out=out)
    store = ClipStore.open(out)
    assert {r.source for r in store.recordings} == {"music", "music (2)"}
    assert store.genres == ("piano", "rock", "techno")
    with pytest.raises(StoreError, match=r"also holds recordings of music \(2\)"):
        run(one, out=out)


def test_a_store_does_not_say_where_its_sources_were(tmp_path):
    run(corpus(tmp_path / "music", 1), out=tmp_path / "store")
    assert not any(str(tmp_path).encode() in f.read_bytes() for f in (tmp_path / "store").rglob("*") if f.is_file())


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"clip_ms": 200}, "clip_ms 100 (now 200)"),
        ({"sample_rate": 16000}, "sample_rate 8000 (now 16000)"),
        ({"silence_db": -50.0}, "silence_db -60.0 (now -50.0)"),
        ({"dataset": "pydub"}, "dataset folder (now pydub)"),
        ({"validation": 0.2}, "validation 0.1 (now 0.2)"),
    ],
)
def test_other_settings_are_refused_by_name(tmp_path, changed, named):
    root, out = corpus(tmp_path / "music", 1), tmp_path / "store"
    run(root, out=out)
    before = digests(out)
    with pytest.raises(StoreError) as caught:
        run(root, out=out, settings=Settings(**{"sample_rate": 8000, "clip_ms": 100} | changed))
    assert named in str(caught.value)
    assert digests(out) == before


@pytest.mark.parametrize(
    "wrong",
    [{"clip_ms": 0}, {"sample_rate": 10}, {"silence_db": 3.0}, {"silence_db": float("nan")}, {"validation": 1.0}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(OptionError, match="takes"):
        Settings(**wrong)


def test_a_folder_of_something_else_and_an_empty_source_are_left_alone(tmp_path):
    root = corpus(tmp_path / "music", 1)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_text("x")
    with pytest.raises(StoreError, match=r"me\.jpg"):
        run(root, out=tmp_path / "photos")
    with pytest.raises(StoreError, match="is a file"):
        run(root, out=tmp_path / "photos" / "me.jpg")
    out = tmp_path / "store"
    run(root, out=out)
    before = digests(out)
    for file in root.rglob("*.*"):
        file.unlink()
    with pytest.raises(GenvaeError, match="no recordings"):  # an unmounted disk must not empty a store
        run(root, out=out)
    assert digests(out) == before


def test_two_at_once_are_refused(tmp_path):
    root, out = corpus(tmp_path / "music", 1), tmp_path / "store"

    def again(*_):
        with pytest.raises(StoreError, match="Another"):
            run(root, out=out)

    with ThreadPoolExecutor(1) as executor:
        prepare([Folder(None, root)], out, SETTINGS, executor=executor, listener=again)


def test_a_dangling_link_is_named_and_read_once_it_leads_somewhere(tmp_path):
    root, out = corpus(tmp_path / "music", 1), tmp_path / "store"
    (root / "rock" / "link.wav").symlink_to(tmp_path / "later.wav")
    assert run(root, out=out).report["skipped"][0]["reason"] == "No such file or directory"
    write(tmp_path / "later.wav", 9)
    assert run(root, out=out).report["skipped"] == []


def test_a_full_disk_ends_it_at_once_and_the_store_stays_unfinished(tmp_path, monkeypatch):
    root, out = corpus(tmp_path / "music"), tmp_path / "store"
    wholesome, sealed = work.write_seal, []

    def full(folder, seal):
        if len(sealed) >= 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sealed.append(seal)
        wholesome(folder, seal)

    monkeypatch.setattr(work, "write_seal", full)
    with pytest.raises(DiskError, match=r"store can't be written: No space left on device\. What is done stays"):
        run(root, out=out)
    with pytest.raises(StoreError, match="is unfinished"):
        ClipStore.open(out)
    monkeypatch.undo()
    assert run(root, out=out).decoded == 8 - len(sealed)
    run(root, out=tmp_path / "other" / "store")
    assert digests(out) == digests(tmp_path / "other" / "store")


class Odd(Dataset):
    """Recordings that break more than themselves."""

    def recordings(self):
        files = sorted(self.root.rglob("*.wav"))
        for n, file in enumerate(files):
            yield Recording(id=f"good{n}", genre="a", open=partial(SoundfileStream, file), fingerprint="1")
        yield Recording(id="crashes", genre="a", open=partial(os._exit, 3), fingerprint="1")
        yield Recording(id="fault", genre="a", open=partial(int, "x"), fingerprint="1")
        yield Recording(id="unsendable", genre="a", open=lambda: None, fingerprint="1")


def test_a_recording_that_takes_its_worker_down_costs_no_other(tmp_path):
    root, out = tmp_path / "music", tmp_path / "store"
    for n in range(6):
        write(root / f"{n}.wav", n)
    report = prepare([Odd(None, root)], out, SETTINGS, workers=2).report
    assert report["recordings"] == {"found": 9, "kept": 6, "partial": 0, "skipped": 3}
    reasons = {each["id"]: each["reason"] for each in report["skipped"]}
    assert "worker process died" in reasons["crashes"]
    assert reasons["fault"].startswith("ValueError")
    assert "pickle" in reasons["unsendable"]


def die_at_first(tries: Path, deaths: int, file: Path):
    with tries.open("a") as log:
        log.write("x")
    if tries.stat().st_size <= deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return SoundfileStream(file)


class Deadly(Folder):
    def recordings(self):
        for each in super().recordings():
            for name, deaths in (("unlucky", 1), ("deadly", 99)):
                if name in each.id:
                    opening = partial(die_at_first, self.root / f"{name}.tries", deaths, self.root / each.id)
                    each = Recording(id=each.id, genre=each.genre, open=opening, fingerprint="1")
            yield each


@pytest.mark.skipif(sys.platform == "win32", reason="kills as Unix does")
def test_a_recording_whose_worker_was_killed_is_tried_once_more(tmp_path):
    root = corpus(tmp_path / "music", 2)
    write(root / "rock" / "unlucky.wav", 7)
    write(root / "rock" / "deadly.wav", 8)
    report = prepare([Deadly(None, root)], tmp_path / "store", SETTINGS, workers=1).report
    [skipped] = report["skipped"]
    assert skipped["id"] == "rock/deadly.wav"
    assert "worker process died" in skipped["reason"]
    assert report["recordings"]["kept"] == 5
    assert [(root / f"{name}.tries").read_text() for name in ("unlucky", "deadly")] == ["xx", "xx"]


@pytest.mark.skipif(sys.platform == "win32", reason="what a worker says goes elsewhere there")
def test_a_script_that_its_workers_cannot_read_is_told_so_and_no_recording_is_blamed(tmp_path):
    root, script = corpus(tmp_path / "music"), tmp_path / "script.py"
    script.write_text(f"import genvae\ngenvae.prepare({str(root)!r}, {str(tmp_path / 'store')!r}, workers=2)\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 1
    assert 'below `if __name__ == "__main__":`' in done.stderr.splitlines()[-1]
    assert not json.loads((tmp_path / "store" / "store.json").read_text())["complete"]


def test_two_recordings_of_one_name_are_the_datasets_fault(tmp_path):
    class Twice(Folder):
        def recordings(self):
            yield from super().recordings()
            yield from super().recordings()

    with ThreadPoolExecutor(1) as executor, pytest.raises(PluginError, match="two recordings"):
        prepare([Twice(None, corpus(tmp_path / "music", 1))], tmp_path / "store", SETTINGS, executor=executor)


def test_the_processes_that_decode_do_not_load_torch():
    modules = (
        "genvae.clips.workers, genvae.clips.prepare, genvae_plugins.datasets.folder, genvae_plugins.datasets.manifest"
    )
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_names_are_printed_without_anything_that_a_terminal_obeys():
    assert printable("a\x1b[31mb\nc") == "a\\x1b[31mb\\nc"
    assert printable(os.fsdecode(b"caf\xe9") + " 🎵 é") == "caf\\udce9 🎵 é"
