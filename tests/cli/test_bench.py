"""`genvae bench` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Genvae

from genvae.bench.harness import Conditions


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """As few rounds as there can be, of the smallest case."""
    monkeypatch.setattr("genvae.bench.suites.map._SIZES", ((300, 8),))
    monkeypatch.setattr(Conditions.__init__, "__kwdefaults__", {**Conditions.__init__.__kwdefaults__, "seconds": 0.0})


def test_a_suite_prints_the_machine_and_a_table_and_writes_its_measurements(genvae: Genvae) -> None:
    result = genvae("bench", "map", "--against", "peers", "--json", "new.json")
    assert result.exit_code == 0
    assert "1 thread, device cpu" in result.stdout
    assert "scikit-learn" in result.stdout.splitlines()[1]
    assert "map: PCA, 300 x 8 to 2" in result.stdout
    written = json.loads(Path("new.json").read_text())
    assert {row["suite"] for row in written["measurements"]} == {"map"}
    assert any(row["peer"] for row in written["measurements"])
    assert written["machine"]["threads"] == 1


def test_an_older_file_is_compared_by_ratio(genvae: Genvae) -> None:
    genvae("bench", "map", "--json", "old.json")
    old = json.loads(Path("old.json").read_text())
    for row in old["measurements"]:
        if row["clock"]:
            row["value"], row["low"], row["high"] = row["value"] / 1e6, row["value"] / 2e6, row["value"] / 1e6
    Path("old.json").write_text(json.dumps(old))
    result = genvae("bench", "map", "--compare", "old.json")
    assert result.exit_code == 0
    assert "x slower  map" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mpa"], "Did you mean 'map'?"),
        (["map", "--json", "none/x.json"], "there is no folder none"),
        (["map", "--compare", "none.json"], "none.json can't be read"),
        (["map", "--device", "cuda"], "torch finds no GPU"),
    ],
)
def test_wrong_input_is_answered_before_anything_is_measured(genvae: Genvae, arguments: list[str], said: str) -> None:
    import torch

    if "cuda" in arguments and torch.cuda.is_available():
        said = "map: PCA"
    result = genvae("bench", *arguments)
    assert said in result.output
    assert "PCA" not in result.stdout or torch.cuda.is_available()
