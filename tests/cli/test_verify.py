"""`genvae verify`: what was changed since it was written is named, and what was not is not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from conftest import Genvae

from genvae.run import Run
from genvae.verbs import open_run


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


def test_a_run_whose_weights_were_changed_is_named(genvae: Genvae, tiny_run: Run) -> None:
    assert "has no seal" in genvae("verify", tiny_run.path).stderr
    tiny_run.seal()
    assert "is as it was written" in genvae("verify", tiny_run.path).stderr
    flip(tiny_run.weights_path, -1)
    result = genvae("verify", tiny_run.path, "--json")
    assert result.exit_code == 4
    [said] = json.loads(result.stdout)["damaged"]
    assert "weights.safetensors is damaged" in said


def test_every_damaged_recording_of_a_store_is_named(genvae: Genvae, tone_store: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(tone_store, tmp_path / "store"))
    assert genvae("verify", store).exit_code == 0
    shards = sorted(store.glob("shards/*.npy"))[:2]
    for shard in shards:
        flip(shard, -5)
    result = genvae("verify", store)
    assert result.exit_code == 3
    assert len(result.stdout.splitlines()) == 2
    assert all(f"Delete {shard}" in result.stdout for shard in shards)


def test_a_clip_is_compared_with_what_its_run_makes(genvae: Genvae, tiny_run: Run) -> None:
    for name in ("a.wav", "a.flac"):
        assert genvae("generate", "--run", tiny_run.path, "--genre", "rock", "--seed", "1", "-o", name).exit_code == 0
        assert genvae("verify", name, "--run", tiny_run.path).exit_code == 0
    flip(Path("a.wav"), -100)
    assert genvae("verify", "a.wav", "--run", tiny_run.path).exit_code == 3


def test_what_is_nothing_of_ours_is_told(genvae: Genvae) -> None:
    result = genvae("verify", "nowhere")
    assert result.exit_code == 3
    assert "is no run, no clip store and no generated file" in result.stderr


def test_the_pretrained_run_is_as_it_was_sealed() -> None:
    run = open_run()
    assert run.sealed
    assert run.verify() == []
