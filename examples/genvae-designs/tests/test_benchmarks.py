"""The commands behind the numbers of docs/vae/images.md, in short."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, *words: object) -> Any:
    """What a command prints, as JSON."""
    monkeypatch.setattr(sys, "argv", [name, *map(str, words)])
    runpy.run_path(str(BENCHMARKS / name), run_name="__main__")
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_designs_are_trained_scored_and_drawn_and_not_trained_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    short = ("designs.py", "--folder", tmp_path, "--bottles", 256, "--steps", 4, "--count", 30)
    table = said(capsys, monkeypatch, *short)
    assert {kind: len(trainings) for kind, trainings in table.items()} == {"bernoulli": 3, "logistic": 3, "eight": 1}
    assert all(each["reconstruction"]["psnr"] > 5 for trainings in table.values() for each in trainings)
    assert Image.open(tmp_path / "directions.png").size == (7 * 128, 10 * 128)
    assert (tmp_path / "grid.png").exists()
    weights = tmp_path / "bernoulli-0" / "weights.safetensors"
    written = weights.stat().st_mtime_ns
    assert said(capsys, monkeypatch, *short) == table
    assert weights.stat().st_mtime_ns == written
    redrawn = said(capsys, monkeypatch, "redraw.py", tmp_path / "bernoulli-0")
    assert set(redrawn) == {"processor", "clock", "request"}


@pytest.mark.slow
def test_what_variants_are_worth_is_measured(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = said(capsys, monkeypatch, "augmentation.py", "--steps", 4)
    assert set(table) == {"0 variants", "16 variants"}
