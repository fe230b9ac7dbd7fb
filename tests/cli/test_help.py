from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from genvae.cli import COMMANDS, main

SCRIPT = """
import importlib.metadata, sys
def refuse(*a, **k):
    raise AssertionError("entry points were scanned")
importlib.metadata.entry_points = refuse
from genvae.cli import main
for arguments in {arguments!r}:
    try:
        main(arguments)
    except SystemExit as end:
        assert not end.code, (arguments, end.code)
heavy = {{"torch", "numpy", "rich", "pluggy", "soundfile", "genvae.verbs", "concurrent.futures"}} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize(
    "arguments",
    [[["--help"], ["--version"]], [[name, "--help"] for name in COMMANDS] + [["plugins", "list", "--help"]]],
)
def test_help_imports_nothing_heavy_and_scans_no_entry_points(arguments: list[list[str]]) -> None:
    script = SCRIPT.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(main, ["--help"]).stdout
    assert all(f"\n  {name} " in shown for name in COMMANDS)


def test_a_mistyped_command_is_answered_with_the_nearest() -> None:
    result = CliRunner().invoke(main, ["generat"])
    assert result.exit_code == 2
    assert "Did you mean 'generate'?" in result.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_no_bound_that_is_none(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"])
    assert shown.exit_code == 0
    assert "None" not in shown.stdout
