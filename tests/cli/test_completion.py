"""What the shell is offered, asked as it asks."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner
from conftest import make_run

from genvae.attributes import Attribute
from genvae.cli import main
from genvae.run import Run
from genvae.verbs import pack


def offered(typed: str, last: str = "") -> list[str]:
    complete = ShellComplete(main, {}, "genvae", "_GENVAE_COMPLETE")
    return [item.value for item in complete.get_completions(shlex.split(typed), last)]


def test_genres_are_those_of_the_run_that_is_named(tiny_run: Run, tmp_path: Path) -> None:
    assert offered(f"generate --run {tiny_run.path} --genre") == ["drum & bass", "rock", "techno", "all"]
    assert offered(f"generate --run {tiny_run.path} --genre", "rock:1,te") == ["rock:1,techno"]
    pack(tiny_run, tmp_path / "a.genvae")
    assert offered(f"reconstruct --run {tmp_path / 'a.genvae'} --genre", "r") == ["rock"]
    assert offered("generate --run nowhere --genre") == ["all"]


def test_what_a_run_can_be_asked_for_is_offered_with_its_words(
    asked_run_path: Path, tiny_run: Run, tmp_path: Path
) -> None:
    for command in ("generate", "reconstruct song.wav", "interpolate"):
        assert offered(f"{command} --run {asked_run_path} --with") == ["key=C", "key=D", "tempo="]
    assert offered(f"generate --run {asked_run_path} --with", "t") == ["tempo="]
    assert offered(f"generate --run {tiny_run.path} --with") == []
    tags = (Attribute(name="tags", words=("dark", "fast", "live"), several=True),)
    run = make_run(tmp_path / "tagged", attributes=tags)
    assert offered(f"generate --run {run.path} --with", "tags=") == ["tags=dark", "tags=fast", "tags=live"]
    assert offered(f"generate --run {run.path} --with", "tags=dark;l") == ["tags=dark;live"]


def test_plugins_are_offered_by_their_kind() -> None:
    assert "griffin-lim" in offered("generate --vocoder", "grif")
    assert offered("train store --model", "conv") == ["conv-vae"]
    assert offered("prepare any --dataset", "synth") == ["synthetic"]
    assert {"stft", "flow-vae"} <= set(offered("plugins show"))


@pytest.mark.usefixtures("genvae")
def test_runs_are_offered_and_what_is_none_is_left_to_the_shell(tiny_run: Run) -> None:
    Path("mine").mkdir()
    (Path("mine") / "pipeline.json").write_text("{}")
    Path("other").mkdir()
    assert offered("generate --run") == ["mine", "pretrained"]
    assert offered("export", f"{tiny_run.path.parent}/") == [str(tiny_run.path)]
    assert offered("generate --run", "oth") == ["oth"]


def test_the_shells_own_script_is_clicks() -> None:
    result = CliRunner().invoke(main, [], prog_name="genvae", env={"_GENVAE_COMPLETE": "zsh_source"})
    assert "#compdef genvae" in result.stdout
