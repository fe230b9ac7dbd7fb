"""The example of docs/vocoders.md runs as it stands, and shows what its page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from genvae.audio import wav
from genvae.testing.sounds import music

PAGE = Path(__file__).parents[1] / "docs" / "vocoders.md"


def test_the_example_without_a_model_runs_and_comes_closer_than_librosa(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    monkeypatch.chdir(tmp_path)
    Path("music.wav").write_bytes(wav.encode(music(22050, 22050)[0].numpy(), 22050))
    names: dict[str, Any] = {}
    exec(code, names)
    reached = {name: names["convergence"](names[name]) for name in ("soon", "admm", "peer", "warm")}
    assert reached["soon"] < reached["peer"] - 1
    assert reached["admm"] < reached["soon"] - 1
    assert reached["warm"] < reached["peer"] - 1
