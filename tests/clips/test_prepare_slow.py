"""Preparation at full size: hours of sound go through in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from genvae.clips.store import ClipStore

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

FOUR_HOURS = 4 * 3600

MEASURE = """
import json, pathlib, resource, sys
from genvae.cli import main
try:
    main(sys.argv[1:], standalone_mode=False)
finally:
    # Not getrusage, which counts what the process that started this one held.
    status = pathlib.Path("/proc/self/status").read_text().split()
    own = int(status[status.index("VmHWM:") + 1])
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps({"own": own, "largest_worker": largest}), file=sys.stderr)
"""


def prepare(*arguments: object) -> dict[str, int]:
    """Run `genvae prepare` and return the peak resident size, in KiB, of the command and of its largest worker."""
    command = [sys.executable, "-c", MEASURE, "prepare", *map(str, arguments), "--workers", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    sizes: dict[str, int] = json.loads(done.stderr.splitlines()[-1])
    print(sizes)
    return sizes


def test_43200_clips_of_three_genres_go_through_in_one_go(tmp_path: Path):
    sizes = prepare(
        "any",
        "--dataset",
        "synthetic",
        "--set",
        f"dataset.seconds={FOUR_HOURS}",
        "--set",
        "dataset.recordings=1",
        "--out",
        tmp_path / "store",
    )
    assert max(sizes.values()) < 250_000  # two workers and the command together under 500 MB
    store = ClipStore.open(tmp_path / "store")
    assert {genre: len(store.select(genre=genre)) for genre in store.genres} == dict.fromkeys(store.genres, 14_400)


def test_a_recording_of_four_hours_never_lies_whole_in_memory(tmp_path: Path):
    folder = tmp_path / "music" / "techno"
    folder.mkdir(parents=True)
    minute = 0.1 * np.random.default_rng(0).standard_normal((60 * 44_100, 2)).astype(np.float32)
    with soundfile.SoundFile(folder / "long.wav", "w", 44_100, 2, "PCM_16") as file:
        for _ in range(FOUR_HOURS // 60):
            file.write(minute)
    sizes = prepare(tmp_path / "music", "--out", tmp_path / "store")
    assert max(sizes.values()) < 250_000
    assert len(ClipStore.open(tmp_path / "store")) == FOUR_HOURS
