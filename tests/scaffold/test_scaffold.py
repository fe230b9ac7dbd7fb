"""What `genvae plugins new` writes, for every kind, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Genvae

from genvae.plugin.declarations import KINDS
from genvae.scaffold import write

ROOT = Path(__file__).parents[2]


VARIANTS = [*((kind, False) for kind in KINDS), ("vocoder", True)]
"""Kinds, and whether what is written learns."""


@pytest.mark.parametrize(("kind", "learns"), VARIANTS)
@pytest.mark.parametrize("name", ["my-own", "quite-my-own"])
def test_what_is_written_is_complete_and_passes_lint(name: str, kind: str, learns: bool, tmp_path: Path) -> None:
    project = write(name, kind, tmp_path / "project", learns=learns)
    package = f"genvae_{name.replace('-', '_')}"
    names = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert names == {
        "pyproject.toml",
        "README.md",
        f"{package}/__init__.py",
        f"{package}/{kind}.py",
        "tests/test_conformance.py",
    }
    assert not any("$" in path.read_text() for path in project.rglob("*.*"))
    config = str(ROOT / "pyproject.toml")
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--config", config, "--no-cache", project]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My Vocoder", "such as 'my-vocoder'"),
        ("2fast", "such as 'fast'"),
        ("genvae-mine", "Leave genvae- out"),
        ("griffin-lim", "genvae has a vocoder 'griffin-lim' already"),
        ("plugins", "There is a Python package genvae_plugins already"),
    ],
)
def test_a_name_that_can_not_be_is_answered_with_one_that_can(genvae: Genvae, name: str, said: str) -> None:
    result = genvae("plugins", "new", name, "--kind", "vocoder")
    assert result.exit_code == 6
    assert said in result.stderr
    assert not list(Path.cwd().iterdir())


def test_a_folder_with_something_in_it_is_left_alone(genvae: Genvae) -> None:
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine")
    result = genvae("plugins", "new", "phases", "--kind", "vocoder", "-o", "mine")
    assert result.exit_code == 3
    assert "not empty" in result.stderr
    assert [path.name for path in Path("mine").iterdir()] == ["notes.txt"]


def test_the_folder_is_told_to_programs_and_the_next_steps_to_people(genvae: Genvae) -> None:
    result = genvae("plugins", "new", "phases", "--kind", "vocoder")
    assert result.stdout == "genvae-phases\n"
    assert "pip install -e genvae-phases" in result.stderr
    assert "genvae generate --genre GENRE --vocoder phases" in result.stderr


def test_only_a_vocoder_may_learn_or_not(genvae: Genvae) -> None:
    result = genvae("plugins", "new", "phases", "--kind", "prior", "--learns")
    assert result.exit_code == 6
    assert "Only a vocoder may learn" in result.stderr
    assert not list(Path.cwd().iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "learns"), VARIANTS)
def test_it_installs_checks_and_tests_green_as_generated(kind: str, learns: bool, tmp_path: Path) -> None:
    """Installed from a wheel into a folder of its own; genvae and its dependencies are those of this environment."""
    project = write(f"fresh-{kind}", kind, tmp_path / "project", learns=learns)
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", site, project]
    subprocess.run(pip, check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}

    def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", *map(str, command)],
            cwd=elsewhere,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    run("genvae", "plugins", "check", f"fresh-{kind}")
    tests = run("pytest", "-q", "-p", "no:cacheprovider", project / "tests")
    assert " passed" in tests.stdout
    assert "failed" not in tests.stdout
    assert f"{kind} fresh-{kind} ok" in " ".join(run("genvae", "plugins", "list", "--kind", kind).stdout.split())
