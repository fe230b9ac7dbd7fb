"""examples/first-sounds.ipynb: its cells run, and show what a notebook would show."""

from __future__ import annotations

import ast
import io
import json
import re
from base64 import b64decode
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from matplotlib.figure import Figure
from numpy.typing import NDArray

NOTEBOOK = Path(__file__).parents[1] / "examples" / "first-sounds.ipynb"


def cells() -> list[dict[str, Any]]:
    """Those that hold code."""
    held = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert held["nbformat"] == 4
    return [cell for cell in held["cells"] if cell["cell_type"] == "code"]


def run_cell(source: str, names: dict[str, Any]) -> None:
    """Run a cell as a notebook does: without lines for the notebook itself, and showing what the last line gives."""
    code = ast.parse("".join(line for line in source.splitlines(keepends=True) if not line.startswith("%")))
    last = code.body.pop() if isinstance(code.body[-1], ast.Expr) else None
    exec(compile(code, NOTEBOOK.name, "exec"), names)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), NOTEBOOK.name, "eval"), names)
        if value is not None:
            names["display"](value)


def heard(html: str) -> NDArray[np.float64]:
    """The samples that a player holds."""
    [audio] = re.findall(r'src="data:audio/wav;base64,([^"]+)"', html)
    wave, _ = soundfile.read(io.BytesIO(b64decode(audio)))
    return np.asarray(wave)


def test_every_cell_runs_and_its_sounds_and_its_map_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sounds, pictures = [], []

    def display(value: Any) -> None:
        if isinstance(value, Figure):
            value.savefig(target := io.BytesIO(), format="png")
            pictures.append(target.getvalue())
        elif hasattr(value, "_repr_html_"):
            sounds.append(value._repr_html_())
        else:
            assert repr(value)

    names: dict[str, Any] = {"__name__": "__main__", "display": display}
    for cell in cells():
        run_cell("".join(cell["source"]), names)
    waves = [heard(html) for html in sounds]
    assert [len(wave) / names["model"].sample_rate for wave in waves] == [1, 1, 1, 1, 4, 1]
    assert all(np.sqrt(np.mean(wave**2)) > 0.003 for wave in waves)
    assert not any(np.allclose(a, b, atol=0.01) for a, b in pairwise(waves[1:4]))  # of one spectrogram
    assert all("data:image/png;base64," in html for html in sounds)
    assert len(pictures) == 1
    assert names["back"].genre in names["model"].genres


def test_the_notebook_holds_no_output() -> None:
    assert [cell["outputs"] for cell in cells()] == [[]] * len(cells())
    assert [cell["execution_count"] for cell in cells()] == [None] * len(cells())
