from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from genvae.audio import play
from genvae.errors import GenvaeError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows plays without another program")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are looked for."""
    shell = shutil.which("sh")
    assert shell
    (tmp_path / "sh").symlink_to(shell)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def player(path: Path, script: str) -> None:
    path.write_text(f"#!/usr/bin/env sh\n{script}\n")
    path.chmod(0o755)


def test_the_first_player_that_works_plays_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    player(folder / "paplay", "echo no sound server >&2; exit 1")
    player(folder / "aplay", f'for last; do :; done; echo "$last" > {folder}/played')
    monkeypatch.chdir(folder)
    play.play(Path("-odd name.wav"))
    assert (folder / "played").read_text() == f"{folder}/-odd name.wav\n"


def test_players_that_all_fail_are_named_with_their_reasons(folder: Path) -> None:
    player(folder / "paplay", "echo no sound server >&2; exit 1")
    player(folder / "aplay", "exit 3")
    with pytest.raises(GenvaeError, match=r"x.wav could not be played: paplay: no sound server; aplay: status 3"):
        play.play(Path("x.wav"))


def test_without_a_player_it_says_what_to_install(folder: Path) -> None:
    with pytest.raises(GenvaeError, match="Install ffmpeg"):
        play.play(Path("x.wav"))
