"""How tests of training call it: as its users do, in a process of its own, on one thread."""

from __future__ import annotations

import os
import subprocess
import sys

ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "genvae", *map(str, arguments)]


def train(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("train", *arguments), env=ONE_THREAD, capture_output=True, text=True, check=False, **options
    )
