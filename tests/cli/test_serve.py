from __future__ import annotations

import socket
from pathlib import Path

from conftest import Genvae

from genvae.run import Run


def test_a_port_in_use_is_told_before_anything_is_loaded(genvae: Genvae) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = genvae("serve", "--run", "nowhere", "--port", port)
    assert result.exit_code == 3
    assert f"Error: 127.0.0.1:{port} can't be listened on: Address already in use." in result.stderr
    assert "--port 0" in result.stderr


def test_a_host_that_is_none_is_told(genvae: Genvae) -> None:
    result = genvae("serve", "--host", "no.such.host.invalid", "--public")
    assert result.exit_code == 3
    assert "no.such.host.invalid:8000 can't be listened on" in result.stderr


def test_a_missing_run_is_told(genvae: Genvae) -> None:
    result = genvae("serve", "--run", "nowhere", "--port", "0")
    assert result.exit_code == 4
    assert "nowhere is not a run" in result.stderr


def test_a_store_of_another_rate_is_no_match_for_a_run(genvae: Genvae, tiny_run: Run, tone_store: Path) -> None:
    result = genvae("serve", "--run", tiny_run.path, "--store", tone_store, "--port", "0")
    assert result.exit_code == 1
    assert "holds clips at 4000 Hz and the run makes them at 8000 Hz" in result.stderr


def test_a_file_that_holds_no_votes_is_left_alone(genvae: Genvae, tiny_run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("mine\n")
    result = genvae("serve", "--run", tiny_run.path, "--votes", tmp_path / "notes.csv", "--port", "0")
    assert result.exit_code == 1
    assert "notes.csv holds no votes" in result.stderr
    assert (tmp_path / "notes.csv").read_text() == "mine\n"
