"""A run as one file: the same bytes each time, and nothing else than a run is taken for one."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest
from conftest import Genvae

from genvae.errors import RunError
from genvae.run import Run
from genvae.run_listing import list_runs
from genvae.verbs import load, open_run, pack


@pytest.fixture
def packed(tiny_run: Run, tmp_path: Path) -> Path:
    (tiny_run.path / "notes.txt").write_text("mine alone")
    pack(tiny_run, tmp_path / "one.genvae")
    return tmp_path / "one.genvae"


def test_packing_twice_gives_the_same_bytes_whenever_it_is_done(packed: Path, tiny_run: Run, tmp_path: Path) -> None:
    for file in tiny_run.path.iterdir():
        os.utime(file, (1e9, 1e9))
    assert "notes.txt" not in pack(tiny_run, tmp_path / "two.genvae")
    assert (tmp_path / "two.genvae").read_bytes() == packed.read_bytes()
    with zipfile.ZipFile(packed) as archive:  # another reader finds the files as they are
        assert archive.read("weights.safetensors") == tiny_run.weights_path.read_bytes()


def test_a_packed_run_makes_the_same_sounds_and_leaves_nothing(packed: Path, tiny_run: Run, genvae: Genvae) -> None:
    opened = open_run(packed)
    folder = opened.path
    assert opened.digest() == tiny_run.digest()
    assert load(packed).generate("rock", seed=1).wav() == load(tiny_run).generate("rock", seed=1).wav()
    del opened
    assert not folder.exists()
    assert genvae("generate", "--run", packed, "--genre", "rock", "--seed", "1").exit_code == 0
    assert json.loads(genvae("info", packed, "--json").stdout)["digest"] == tiny_run.digest()


def rewritten(packed: Path, change: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    target = packed.with_name("other.genvae")
    with zipfile.ZipFile(packed) as source, zipfile.ZipFile(target, "w", compression) as archive:
        for name in source.namelist():
            if name not in change:
                archive.writestr(name, source.read(name))
        for name, content in change.items():
            if content:
                archive.writestr(name, content)
    return target


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/tmp/evil.txt", "sub/pipeline.json", "evil.py", "weights.safetensors/x"]
)
def test_a_member_that_no_run_has_is_refused_before_anything_is_written(packed: Path, name: str) -> None:
    with pytest.raises(RunError, match="which no run has"):
        open_run(rewritten(packed, {name: b"evil"}))
    assert not (packed.parent.parent / "evil.txt").exists()


def test_what_is_compressed_or_missing_or_cut_or_changed_is_refused(packed: Path) -> None:
    with pytest.raises(RunError, match="compressed or encrypted"):
        open_run(rewritten(packed, {}, compression=zipfile.ZIP_DEFLATED))
    with pytest.raises(RunError, match=r"it wants one pipeline\.json"):
        open_run(rewritten(packed, {"weights.safetensors": b""}))
    content = packed.read_bytes()
    other = packed.with_name("other.genvae")
    for damaged in (content[:-100], content[: len(content) // 2], b"", b"no zip"):
        other.write_bytes(damaged)
        with pytest.raises(RunError, match="no packed run"):
            open_run(other)
    middle = len(content) // 2
    other.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    with pytest.raises(RunError, match="CRC"):
        open_run(other)


def test_a_run_that_is_not_trained_is_not_packed(tiny_run: Run, genvae: Genvae) -> None:
    tiny_run.weights_path.unlink()
    assert "has not ended" in genvae("pack", tiny_run.path, "-o", "x.genvae").stderr
    assert not Path("x.genvae").exists()


def test_the_runs_below_a_folder_are_listed_with_what_is_known(packed: Path, tiny_run: Run, genvae: Genvae) -> None:
    lines = [{"kind": "train", "step": 25, "seconds": 90.0}, {"kind": "validation", "step": 30, "loss": 1.5}]
    tiny_run.metrics_path.write_text("\n".join(map(json.dumps, lines)) + "\n{torn")
    broken = packed.parent / "deep" / "er" / "run"
    broken.mkdir(parents=True)
    (broken / "pipeline.json").write_text("{}")
    found = {Path(each.path).name: each for each in list_runs(packed.parent)}
    assert found.keys() == {"one.genvae", "tiny-run", "run"}
    run = found["tiny-run"]
    assert (run.finished, run.model, run.clips, run.steps, run.minutes, run.loss) == (
        True,
        "conv-vae",
        12,
        30,
        1.5,
        1.5,
    )
    assert found["one.genvae"].genres == run.genres
    assert "KeyError" in found["run"].problem
    told = json.loads(genvae("runs", packed.parent, "--json").stdout)
    assert [each["loss"] for each in told if each["path"].endswith("tiny-run")] == [1.5]
    assert "drum & bass, rock, techno" in genvae("runs", packed.parent).stdout
    assert "There are no runs in ." in genvae("runs").stderr


@pytest.mark.parametrize("form", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_what_is_compressed_is_listed_as_no_run(packed: Path, form: int, genvae: Genvae) -> None:
    other = rewritten(packed, {}, compression=form)
    [problem] = [each.problem for each in list_runs(packed.parent) if each.path == str(other)]
    assert "pipeline.json is compressed" in problem
    content = other.read_bytes()
    other.write_bytes(content[:100] + b"\0" * 40 + content[140:])
    assert genvae("runs", packed.parent).exit_code == 0


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pipeline.json", '{"data": ' + "[" * 10**5),
        ("pipeline.json", "CLIPS []"),
        ("pipeline.json", "CLIPS 1e999"),
        ("pipeline.json", 'CLIPS {"train": "many"}'),
        ("metrics.jsonl", "[" * 10**5),
        ("metrics.jsonl", '{"kind": "validation", "step": 1e999, "loss": 1}'),
        ("metrics.jsonl", '{"kind": "validation", "step": 1, "loss": 1' + "0" * 400 + "}"),
        ("metrics.jsonl", '{"kind": "validation", "step": 1, "loss": 1, "distance_db": []}'),
        ("metrics.jsonl", '{"kind": "validation", "step": 1, "loss": "much"}\n[7]\n'),
    ],
)
def test_whatever_a_run_says_of_itself_it_can_be_listed(tiny_run: Run, genvae: Genvae, name: str, content: str) -> None:
    if content.startswith("CLIPS"):
        described = json.loads((tiny_run.path / name).read_text())
        described["data"]["clips"] = "CLIPS"
        content = json.dumps(described).replace('"CLIPS"', content.removeprefix("CLIPS "))
    (tiny_run.path / name).write_text(content)
    listed = genvae("runs", tiny_run.path.parent)
    assert listed.exit_code == 0
    assert (("is damaged" in listed.stdout), ("trained" in listed.stdout)) == (
        (True, False) if name == "pipeline.json" else (False, True)
    )
    json.loads(genvae("runs", tiny_run.path.parent, "--json").stdout)


def test_the_environment_names_the_run_to_use(
    packed: Path, tiny_run: Run, genvae: Genvae, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENVAE_RUN", str(packed))
    assert open_run().digest() == tiny_run.digest()
    assert genvae("generate", "--genre", "drum & bass", "--seed", "1").exit_code == 0
    assert open_run("pretrained").config.genres != tiny_run.config.genres
