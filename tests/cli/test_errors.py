"""What is wrong with the machine is told in a line too, and the exit status says how a command ended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Genvae

from genvae import __version__
from genvae.cli import info
from genvae.run import Run


def test_what_the_system_refuses_is_a_line_that_names_the_path(genvae: Genvae) -> None:
    Path("a-file").write_text("")
    Path("music/rock").mkdir(parents=True)
    Path("music/rock/a.wav").write_text("")
    result = genvae("prepare", "music", "--out", "a-file/store")
    assert result.exit_code == 1
    assert result.stderr.endswith("a-file/store/shards: Not a directory.\n")
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model": {"distribution": "genvae-dream"}}, "'conv-vae' {0} of genvae-dream, which is not installed. "),
        ({"model": {"plugin": "dream"}}, "'dream' {0} of genvae, which the one that is installed, {0}, does not bring"),
        ({"sample_rate": 0}, "sample_rate, clip_samples or genres are of no use"),
        ({"genres": []}, "sample_rate, clip_samples or genres are of no use"),
    ],
)
def test_a_run_that_is_not_for_this_installation_is_a_line(
    genvae: Genvae, tiny_run: Run, changed: dict[str, Any], said: str
) -> None:
    description = json.loads(tiny_run.description_path.read_text())
    for name, value in changed.items():
        old = description["pipeline"][name]
        description["pipeline"][name] = {**old, **value} if isinstance(value, dict) else value
    tiny_run.description_path.write_text(json.dumps(description))
    result = genvae("generate", "--run", tiny_run.path, "--genre", "rock")
    assert result.exit_code == 1
    assert said.format(__version__) in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_ctrl_c_is_a_word_and_status_130(genvae: Genvae, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    Path("a-file").write_text("")
    monkeypatch.setattr(info, "_clip", interrupted)
    result = genvae("info", "a-file")
    assert result.exit_code == 130
    assert result.stderr.strip() == "Interrupted."
