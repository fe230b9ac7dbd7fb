"""The registry and the command line against distributions that are really installed, each broken in its own way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from distributions import build_wheel, install

HEAD = "import genvae\n\n@genvae.hookimpl\ndef genvae_vocoders():\n    "
CLASS = """
import torch, genvae
class Mine(genvae.Vocoder):
    def forward(self, spectrogram, *, length=None, generator=None):
        {body}
"""


def declares(name: str, package: str, extra: str = "") -> str:
    return HEAD + f'yield genvae.VocoderPlugin(name="{name}", summary="S.", factory="{package}.vocoder:Mine"{extra})\n'


# Distribution -> (the declaring module, the vocoder's module).
DISTRIBUTIONS = {
    "acme-good": (declares("good", "acme_good"), CLASS.format(body="return torch.zeros(len(spectrogram), length)")),
    "acme-import": ("import no_such_module_anywhere", ""),
    "acme-exit": ("raise SystemExit(3)", ""),
    "acme-type": (HEAD + "yield 'mine'", ""),
    "acme-return": (HEAD + "return genvae.VocoderPlugin(name='x', summary='', factory='a:B')", ""),
    "acme-newer": (
        "import genvae\n@genvae.hookimpl\ndef genvae_spatialisers(): yield 1\n"
        + declares("beside-newer", "acme_newer").removeprefix("import genvae\n"),
        "",
    ),
    "acme-misspelt": ("import genvae\n@genvae.hookimpl\ndef genvae_vocoder(): yield 1", ""),
    "acme-first": (declares("same", "acme_first"), CLASS.format(body="return torch.zeros(len(spectrogram), length)")),
    "acme-second": (declares("same", "acme_second"), CLASS.format(body="return torch.zeros(len(spectrogram), length)")),
    "acme-slow": ("import time\ntime.sleep(1.1)\n" + declares("slow", "acme_slow"), ""),
    "acme-raises": (declares("raises", "acme_raises"), CLASS.format(body="raise KeyError('no phases')")),
}
COMMANDS = {
    "acme-hello": ("hello", "import click\n@click.command()\ndef hello():\n    click.echo('Hello there.')\n"),
    "acme-fails": ("fails", "import click\n@click.command()\ndef fails():\n    1 / 0\n"),
    "acme-unable": ("unable", "import no_such_module_anywhere\n"),
    "acme-greedy": ("train", "import click\n@click.command()\ndef train():\n    click.echo('not ours')\n"),
}

Genvae = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of installed distributions: built as wheels and installed by pip, without a network."""
    root = tmp_path_factory.mktemp("distributions")
    wheels = root / "wheels"
    wheels.mkdir()
    for name, (declaration, vocoder) in DISTRIBUTIONS.items():
        points = f'[project.entry-points.genvae]\nx = "{name.replace("-", "_")}"\n'
        build_wheel(root / name, name, {"__init__.py": declaration, "vocoder.py": vocoder}, points, wheels)
    for name, (command, source) in COMMANDS.items():
        value = f"{name.replace('-', '_')}.command:{command}"
        points = f'[project.entry-points."genvae.commands"]\n{command} = "{value}"\n'
        build_wheel(root / name, name, {"__init__.py": "", "command.py": source}, points, wheels)
    return install(wheels.glob("*.whl"), root / "site")


@pytest.fixture
def genvae(site: Path, tmp_path: Path) -> Genvae:
    """Run a command line in a new process of the environment in which all of them are installed."""

    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", **environment}
        return subprocess.run(
            [sys.executable, "-m", "genvae", *map(str, arguments)],
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def rows(site: Path) -> list[dict[str, Any]]:
    """What `genvae plugins list --json` says of the distributions, all installed at once."""
    done = subprocess.run(
        [sys.executable, "-m", "genvae", "plugins", "list", "--json"],
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return [row for row in json.loads(done.stdout) if row["distribution"].startswith("acme")]


@pytest.mark.parametrize(
    ("distribution", "state", "reason"),
    [
        ("acme-import", "broken", "No module named 'no_such_module_anywhere'"),
        ("acme-exit", "broken", "SystemExit: 3"),
        ("acme-type", "broken", "yields str, expected VocoderPlugin"),
        ("acme-return", "broken", "use yield, not return"),
        ("acme-misspelt", "broken", "Did you mean 'genvae_vocoders'?"),
        ("acme-first", "clash", "acme-second has a vocoder of the same name; write acme-first:same"),
        ("acme-second", "clash", "acme-first has a vocoder of the same name; write acme-second:same"),
        ("acme-slow", "slow", "keep heavy imports out of it"),
        ("acme-greedy", "clash", "genvae has a command of that name"),
    ],
)
def test_each_failure_is_one_row_with_the_reason(
    rows: list[dict[str, Any]], distribution: str, state: str, reason: str
) -> None:
    [row] = [row for row in rows if row["distribution"] == distribution]
    assert row["state"] == state
    assert reason in row["reason"]
    assert "\n" not in row["reason"]
    assert row["version"] == "1.5"


def test_a_hook_of_a_newer_genvae_is_a_row_and_the_plugin_beside_it_works(rows: list[dict[str, Any]]) -> None:
    mine = {row["state"]: row for row in rows if row["distribution"] == "acme-newer"}
    assert "may need a newer one" in mine["broken"]["reason"]
    assert mine["ok"]["name"] == "beside-newer"


def test_a_sound_one_beside_them_is_told_with_version_origin_and_import_time(rows: list[dict[str, Any]]) -> None:
    [row] = [row for row in rows if row["name"] == "good"]
    assert (row["state"], row["version"], row["reason"]) == ("ok", "1.5", None)
    assert Path(row["origin"]).name == "__init__.py"
    assert 0 < row["import_ms"] < 1000
    [slow] = [row for row in rows if row["name"] == "slow"]
    assert slow["import_ms"] > 1000


def test_everything_else_works_with_all_of_them_installed(genvae: Genvae, tmp_path: Path) -> None:
    done = genvae("generate", "--genre", "techno", "--seed", "1", "--vocoder", "good", "-o", "a.wav")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.wav").stat().st_size > 40_000


def test_an_exception_while_generating_is_one_line_with_the_plugins_name(genvae: Genvae) -> None:
    done = genvae("generate", "--genre", "techno", "--seed", "1", "--vocoder", "raises")
    assert done.returncode == 6
    [line] = done.stderr.splitlines()
    assert line.startswith("Error: The vocoder 'raises' of acme-raises failed while making a waveform: KeyError")
    assert "GENVAE_STRICT=1" in line


def test_strict_shows_where_an_exception_came_from(genvae: Genvae) -> None:
    broken = ",".join(name for name in DISTRIBUTIONS if name != "acme-raises")
    done = genvae(
        "generate", "--genre", "techno", "--seed", "1", "--vocoder", "raises", GENVAE_STRICT="1", GENVAE_DISABLE=broken
    )
    assert done.returncode == 1
    assert "vocoder.py" in done.stderr
    assert "KeyError: 'no phases'" in done.stderr


def test_strict_makes_a_broken_plugin_an_error(genvae: Genvae) -> None:
    others = ",".join(name for name in DISTRIBUTIONS if name != "acme-import")
    done = genvae("plugins", "list", GENVAE_STRICT="1", GENVAE_DISABLE=others)
    assert done.returncode == 1
    assert "no_such_module_anywhere" in done.stderr
    assert "Traceback" in done.stderr


def test_a_clash_is_answered_with_both_and_either_can_be_named(genvae: Genvae) -> None:
    done = genvae("plugins", "show", "same")
    assert done.returncode == 6
    assert "acme-first:same or acme-second:same" in done.stderr
    assert genvae("plugins", "show", "acme-second:same").returncode == 0


def test_disabling_takes_a_plugin_or_a_whole_distribution_away(genvae: Genvae) -> None:
    done = genvae("plugins", "list", "--json", GENVAE_DISABLE="acme_slow, acme-first:same,good,acme-fails")
    rows = {(row["distribution"], row["kind"], row["name"]): row for row in json.loads(done.stdout)}
    assert rows["acme-slow", "?", "x"]["state"] == "disabled"
    assert rows["acme-slow", "?", "x"]["import_ms"] == 0  # it was not even imported
    assert rows["acme-first", "vocoder", "same"]["state"] == "disabled"
    assert rows["acme-second", "vocoder", "same"]["state"] == "ok"  # the clash has gone with it
    assert rows["acme-good", "vocoder", "good"]["reason"] == "GENVAE_DISABLE names it"
    assert ("acme-fails", "command", "fails") not in rows


def test_a_command_of_a_plugin_is_found_when_it_is_typed(genvae: Genvae) -> None:
    assert genvae("hello").stdout == "Hello there.\n"
    assert "hello" not in genvae("--help").stdout


def test_a_command_that_fails_or_cannot_be_imported_is_one_line_with_its_name(genvae: Genvae) -> None:
    for name, said in {
        "fails": "'fails', which a plugin adds, failed: ZeroDivisionError",
        "unable": "'unable' of acme-unable can't be loaded: ModuleNotFoundError",
    }.items():
        done = genvae(name)
        assert done.returncode == 6
        [line] = done.stderr.splitlines()
        assert said in line


def test_a_command_can_not_take_the_place_of_ours(genvae: Genvae) -> None:
    assert "Train a model on the clips" in genvae("train", "--help").stdout


def test_a_mistyped_command_is_answered_with_a_plugins_too(genvae: Genvae) -> None:
    done = genvae("helo")
    assert done.returncode == 2
    assert "Did you mean 'hello'?" in done.stderr
