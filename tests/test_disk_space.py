"""A disk that is too small is noticed before hours of work."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result
from safetensors.torch import load_file

from genvae.cli import main
from genvae.errors import DiskError
from genvae.files import require_space


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What every disk has left: bytes as `free`."""
    disk = SimpleNamespace(total=10**12, used=0, free=10**12)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: disk)
    return disk


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_what_just_fits_is_let_through_and_a_byte_more_is_not(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    require_space(tmp_path, free / 2, "Half of it needs")
    with pytest.raises(
        DiskError, match=rf"^Twice as much needs at least [\d,]+ MB, and {tmp_path} has [\d,]+ MB left\."
    ):
        require_space(tmp_path, 2 * free, "Twice as much needs")


def music(root: Path, count: int) -> Path:
    (root / "rock").mkdir(parents=True)
    for number in range(count):
        wave = np.random.default_rng(number).uniform(-0.5, 0.5, 8000)
        soundfile.write(root / "rock" / f"{number}.wav", wave, 8000)
    return root


def test_prepare_stops_once_it_knows_that_the_rest_has_no_room_and_goes_on_later(
    tmp_path: Path, left: SimpleNamespace
) -> None:
    words = ("prepare", music(tmp_path / "music", 40), "--out", tmp_path / "store", "--sample-rate", 8000)
    left.free = 32 * 16000 / 2 - 2 * 128 - 1000  # forty seconds of 16-bit sound at 8 kHz; eight are done by then
    stopped = run(*words, "--workers", 1)
    assert stopped.exit_code == 7, stopped.output
    assert "The clips of the other 32 recordings need at least" in stopped.stderr
    assert f"{tmp_path / 'store' / 'shards'} has" in stopped.stderr
    sealed = len(list((tmp_path / "store" / "shards").glob("*.json")))
    assert 7 <= sealed < 40
    left.free = 10**9
    assert run(*words, "--workers", 1).exit_code == 0


def test_train_needs_room_for_two_checkpoints(tmp_path: Path, tone_store: Path, small: list[str]) -> None:
    path = tmp_path / "run"
    script = (
        "import shutil, sys, types\n"
        "free = int(sys.argv.pop(1))\n"
        "shutil.disk_usage = lambda path: types.SimpleNamespace(free=free)\n"
        "from genvae.cli import main\n"
        "main()"
    )
    words = ["train", str(tone_store), "--run", str(path), "--steps", "1", *small]
    command = [sys.executable, "-c", script]
    stopped = subprocess.run([*command, "1000", *words], capture_output=True, text=True, check=False)
    assert stopped.returncode == 7, stopped.stderr
    said = re.search(r"This training needs at least (\d+) MB", stopped.stderr)
    assert said, stopped.stderr
    assert not (path / "checkpoint.safetensors").exists()
    resumed = [*words[:4], "--resume"]
    done = subprocess.run([*command, "1000000000", *resumed], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sizes = {name: value.nbytes for name, value in load_file(path / "weights.safetensors").items()}
    learnt = sum(size for name, size in sizes.items() if name.startswith("model."))
    checkpoint = sum(sizes.values()) + 2 * learnt  # the moments, of what learns alone
    assert int(said[1]) * 1e6 == pytest.approx(2 * checkpoint, abs=0.6e6)
