"""A run that several tests of training share."""

from __future__ import annotations

from pathlib import Path

import pytest
from training_runs import train


@pytest.fixture(scope="session")
def trained(tone_store: Path, small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 60 steps that nothing stopped."""
    path = tmp_path_factory.mktemp("trained") / "run"
    done = train(tone_store, "--run", path, "--steps", 60, "--seed", 5, *small)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{path}\n"
    return path
