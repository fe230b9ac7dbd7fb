"""Folders of Lhotse Shar: written here byte by byte as its writer lays them out, and by Lhotse itself."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import genvae
from genvae.clips.store import ClipStore
from genvae.errors import GenvaeError
from genvae.places import place

RATE = 8000


def noise(seed: int, seconds: float = 0.5) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.random.default_rng(seed).integers(-9000, 9000, round(RATE * seconds)).astype(np.int16)


def encoded(wave: np.ndarray[Any, Any], form: str = "flac") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, wave, RATE, format=form)
    return file.getvalue()


def cut(id: str, seconds: float = 0.5, **more: Any) -> dict[str, Any]:
    recording = {
        "id": f"origin of {id}",
        "sources": [{"type": "shar", "channels": [0], "source": ""}],
        "sampling_rate": RATE,
        "num_samples": round(RATE * seconds),
        "duration": seconds,
        "channel_ids": [0],
    }
    told = {"id": id, "start": 0, "duration": seconds, "channel": 0, "supervisions": [], "recording": recording}
    return {**told, "type": "MonoCut", **more}


def tar_of(members: Sequence[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w|") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


def audio_of(sounds: Mapping[str, bytes | None], form: str = "flac") -> list[tuple[str, bytes]]:
    members: list[tuple[str, bytes]] = []
    for id, content in sounds.items():
        if content is None:
            members += [(f"{id}.nodata", b""), (f"{id}.nometa", b"")]
        else:
            members += [(f"{id}.{form}", content), (f"{id}.json", json.dumps(cut(id)["recording"]).encode() + b"\n")]
    return members


def write(folder: Path, cuts: Sequence[Any], tar: bytes, *, number: str = ".000000", field: str = "recording") -> Path:
    folder.mkdir(exist_ok=True)
    lines = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in cuts]
    (folder / f"cuts{number}.jsonl.gz").write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines)))
    (folder / f"{field}{number}.tar").write_bytes(tar)
    return folder


def read(source: Path | str, out: Path, **options: str) -> ClipStore:
    told = {f"dataset.{name}": value for name, value in options.items()}
    with ThreadPoolExecutor(1) as executor:
        return genvae.prepare(
            source,
            out,
            dataset="lhotse-shar",
            options=told,
            executor=executor,
            sample_rate=RATE,
            clip_ms=100,
            progress=False,
        )


def found(store: ClipStore) -> dict[str, tuple[str, bytes]]:
    """Genre and samples of each recording."""
    return {
        each.id: (each.genre, store.read(np.flatnonzero(store.index["recording"] == number)).tobytes())
        for number, each in enumerate(store.recordings)
    }


def skipped(store: ClipStore) -> dict[str, str]:
    return {each["id"]: each["reason"] for each in store.report["skipped"]}


def test_cuts_of_several_files_are_read_with_their_genres_and_samples(tmp_path: Path) -> None:
    rock, piano = noise(1), noise(2)
    folder = tmp_path / "shar"
    write(folder, [cut("a", custom={"genre": "rock"})], tar_of(audio_of({"a": encoded(rock)})))
    told = [{"id": "s", "recording_id": "b", "start": 0, "duration": 0.5, "custom": {"genre": "piano"}}]
    sound = tar_of(audio_of({"deep/b.c": encoded(piano, "wav")}, "wav"))
    write(folder, [cut("deep/b.c", supervisions=told)], sound, number=".000001")
    store = read(folder, tmp_path / "store")
    assert found(store) == {
        "cuts.000000.jsonl.gz/a": ("rock", rock.tobytes()),
        "cuts.000001.jsonl.gz/deep/b.c": ("piano", piano.tobytes()),
    }
    assert not skipped(store)
    for file in folder.iterdir():
        (place(f"memory://{tmp_path.name}") / file.name).write_bytes(file.read_bytes())
    remote = read(f"memory://{tmp_path.name}", tmp_path / "remote")
    assert found(remote) == found(store)


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("language", {"supervisions": [{"id": "s"}, {"id": "t", "language": "rock"}]}),
        ("text", {"supervisions": [{"id": "s", "text": "rock"}, {"id": "t", "text": "piano"}]}),
        ("tags.style", {"custom": {"tags": {"style": "rock"}}}),
        ("genre", {"custom": {"genre": "rock"}, "supervisions": [{"id": "s", "custom": {"genre": "piano"}}]}),
    ],
)
def test_the_genre_is_what_the_option_names_in_the_cut_or_else_in_a_supervision(
    tmp_path: Path, field: str, more: dict[str, Any]
) -> None:
    folder = write(tmp_path / "shar", [cut("a", **more)], tar_of(audio_of({"a": encoded(noise(1))})))
    assert read(folder, tmp_path / "store", genre=field).genres == ("rock",)


def test_audio_of_another_field_and_files_without_numbers(tmp_path: Path) -> None:
    clean = noise(3)
    recording = cut("a")["recording"]
    told = cut("a", custom={"genre": "rock", "clean": recording})
    folder = write(tmp_path / "shar", [told], tar_of(audio_of({"a": encoded(clean)})), number="", field="clean")
    assert found(read(folder, tmp_path / "store", audio="clean")) == {"cuts.jsonl.gz/a": ("rock", clean.tobytes())}
    assert skipped(read(folder, tmp_path / "other")) == {"cuts.jsonl.gz/a": "there is no recording.tar"}


def test_a_cut_that_was_shortened_is_the_part_that_it_names(tmp_path: Path) -> None:
    wave = noise(4, 1.0)
    told = cut("a", 1.0, custom={"genre": "rock"}) | {"start": 0.25, "duration": 0.5}
    folder = write(tmp_path / "shar", [told], tar_of(audio_of({"a": encoded(wave)})))
    assert found(read(folder, tmp_path / "store"))["cuts.000000.jsonl.gz/a"][1] == wave[2000:6000].tobytes()


def test_cuts_of_one_recording_stand_in_one_split_and_a_split_that_is_told_counts(tmp_path: Path) -> None:
    cuts, sounds = [], {}
    for n in range(24):
        more = {"genre": "rock"} | ({"split": "validation"} if n >= 20 else {})
        told = cut(f"{n}", custom=more)
        told["recording"]["id"] = f"song {n // 4}"
        cuts.append(told)
        sounds[f"{n}"] = encoded(noise(n))
    store = read(write(tmp_path / "shar", cuts, tar_of(audio_of(sounds))), tmp_path / "store")
    splits = {int(each.id.rpartition("/")[2]): each.split for each in store.recordings}
    assert all(len({splits[n] for n in range(first, first + 4)}) == 1 for first in range(0, 24, 4))
    assert {splits[n] for n in range(20, 24)} == {"validation"}
    assert "train" in splits.values()


def test_what_is_damaged_is_skipped_and_named_and_the_rest_is_read(tmp_path: Path) -> None:
    good, style = encoded(noise(1)), {"genre": "rock"}
    cuts = [
        cut("good", custom=style),
        b'{"id": "torn',
        {"no": "id"},
        cut("none", custom=style),
        cut("absent", custom=style),
        cut("plain"),
        cut("noise", custom=style),
        cut("times", custom=style) | {"start": float(10**300), "duration": -1},
        b'{"id": "' + b"x" * (1 << 20) + b'"}',
        cut("good", custom=style),
        cut("last", custom=style),
    ]
    sounds = {"good": good, "none": None, "plain": good, "noise": b"no sound", "times": good, "last": encoded(noise(2))}
    members = audio_of(sounds)
    store = read(write(tmp_path / "shar", cuts, tar_of([*members, ("good.flac", encoded(noise(3)))])), tmp_path / "s")
    name = "cuts.000000.jsonl.gz"
    assert set(found(store)) == {f"{name}/good", f"{name}/good (2)", f"{name}/last"}
    reasons = skipped(store)
    assert set(reasons) == {
        f"{name}/{id}" for id in ("line 2", "line 3", "line 9", "none", "absent", "plain", "noise", "times")
    }
    assert reasons[f"{name}/none"] == reasons[f"{name}/absent"] == "recording.000000.tar has nothing for it"
    assert reasons[f"{name}/plain"] == "neither the cut nor a supervision names a 'genre'"
    assert reasons[f"{name}/line 9"] == "it is longer than a mebibyte"
    assert store.report["recordings"]["skipped"] == 8


def test_files_that_are_cut_short_or_missing_are_named(tmp_path: Path) -> None:
    style = {"genre": "rock"}
    cuts = [cut(f"{n}", custom=style) for n in range(4)]
    tar = tar_of(audio_of({f"{n}": encoded(noise(n)) for n in range(4)}))
    folder = write(tmp_path / "shar", cuts, tar[: len(tar) // 2])
    write(folder, cuts, tar, number=".000001")
    write(folder, cuts, tar, number=".000002")
    (folder / "recording.000001.tar").unlink()
    packed = (folder / "cuts.000002.jsonl.gz").read_bytes()
    (folder / "cuts.000002.jsonl.gz").write_bytes(packed[:-20])
    (folder / "cuts.000003.jsonl.gz").write_bytes(b"no gzip")
    store = read(folder, tmp_path / "store")
    reasons = skipped(store)
    assert reasons["cuts.000001.jsonl.gz/0"] == "there is no recording.000001.tar"
    assert "can't be read up to there" in reasons["cuts.000000.jsonl.gz/3"]
    assert "no cuts can be read in it behind line" in reasons["cuts.000002.jsonl.gz"]
    assert "behind line 0" in reasons["cuts.000003.jsonl.gz"]
    assert "cuts.000000.jsonl.gz/0" in found(store)


def test_nothing_outside_the_tar_files_is_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.flac"
    secret.write_bytes(encoded(noise(9)))
    told = cut("a", custom={"genre": "rock"})
    told["recording"]["sources"] = [
        {"type": "command", "channels": [0], "source": f"touch {tmp_path}/ran; cat {secret}"},
        {"type": "file", "channels": [0], "source": str(secret)},
    ]
    outside = cut("../secret", custom={"genre": "rock"})
    link = cut("link", custom={"genre": "rock"})
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, kind in (("link.flac", tarfile.SYMTYPE), ("hard.flac", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, str(secret)
            tar.addfile(info)
    folder = write(tmp_path / "shar", [told, outside, link], file.getvalue())
    store = read(folder, tmp_path / "store")
    assert len(store) == 0
    assert len(skipped(store)) == 3
    assert not (tmp_path / "ran").exists()
    with pytest.raises(GenvaeError, match="no cuts"):
        read(tmp_path / "store", tmp_path / "again")


def forged(size: bytes, kind: bytes = b"0") -> bytes:
    info = bytearray(tarfile.TarInfo("a.flac").tobuf())
    info[124:136], info[156:157] = size.ljust(12, b"\0"), kind
    info[148:156] = b" " * 8
    info[148:156] = b"%06o\0 " % sum(info)
    return bytes(info)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(forged(b"\xff" * 11 + b"\x00"), id="a size below zero, which leads back"),
        pytest.param(forged(b"77777777777"), id="eight gigabytes that are not there"),
        pytest.param(forged(b"77777777777", b"x"), id="eight gigabytes of names"),
        pytest.param(forged(b"77777777777", b"L"), id="a name of eight gigabytes"),
        pytest.param(forged(b"00000000000", b"x") * 3000, id="headers of headers"),
    ],
)
def test_forged_headers_of_a_tar_file_end_the_reading_of_it_alone(tmp_path: Path, header: bytes) -> None:
    told = [cut("a", custom={"genre": "rock"}), cut("b", custom={"genre": "rock"})]
    good = tar_of(audio_of({"b": encoded(noise(1))}))
    folder = write(tmp_path / "shar", told, header + good)
    write(folder, told[1:], good, number=".000001")
    store = read(folder, tmp_path / "store")
    assert "cuts.000001.jsonl.gz/b" in found(store)
    assert "cuts.000000.jsonl.gz/a" in skipped(store)


@pytest.mark.slow  # importing Lhotse takes its time
def test_what_lhotse_writes_is_read_as_lhotse_reads_it(tmp_path: Path) -> None:
    from lhotse import CutSet, MonoCut, Recording, SupervisionSegment

    cuts = []
    for n in range(7):
        path = tmp_path / f"{n}.wav"
        soundfile.write(path, np.stack([noise(n, 2.0), noise(n + 50, 2.0)], axis=1) if n == 6 else noise(n, 2.0), RATE)
        recording = Recording.from_file(path)
        told = SupervisionSegment(f"s{n}", recording.id, 0, 1.0, custom={"genre": ("rock", "piano")[n % 2]})
        cuts.append(MonoCut(f"cut-{n}", 0.5, 1.0, n // 6, [told], recording=recording))
    cuts.append(MonoCut("silent", 0, 1.0, 0, [told]))
    for form in ("flac", "wav", "mp3"):
        folder = tmp_path / form
        folder.mkdir()
        CutSet.from_cuts(cuts).to_shar(folder, {"recording": form}, shard_size=3)
        store = read(folder, tmp_path / f"{form}-store")
        ours = found(store)
        for theirs in CutSet.from_shar(in_dir=folder):
            name = next(id for id in [*ours, *skipped(store)] if id.endswith(f"/{theirs.id}"))
            if not theirs.has_recording:
                assert name in skipped(store)
                continue
            wave = np.rint(theirs.load_audio()[0] * 32768).astype(np.int16)
            assert ours[name] == (theirs.supervisions[0].genre, wave.tobytes())
    assert len(ours) == 7
