from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Genvae

from genvae.plugin import registry

GOOD = """
import genvae
from dataclasses import dataclass
@dataclass(frozen=True)
class Options:
    depth: int = 3
    shape: str | None = None
@genvae.hookimpl
def genvae_vocoders():
    yield genvae.VocoderPlugin(name={name!r}, summary="[bold] takes\\ntwo lines", factory="nowhere:X", options=Options)
"""

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution that consists of one module."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)
    registry.installed.cache_clear()
    modules: list[str] = []

    def install(name: str, source: str) -> None:
        module = name.replace("-", "_")
        modules.append(module)
        (site / f"{module}.py").write_text(source)
        folder = site / f"{module}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[genvae]\nx = {module}\n")

    yield install
    for module in modules:
        sys.modules.pop(module, None)
    registry.installed.cache_clear()


def test_the_table_on_a_pipe_is_plain_and_whole(genvae: Genvae) -> None:
    lines = genvae("plugins", "list").stdout.splitlines()
    assert lines[0].split() == ["KIND", "NAME", "STATE", "FROM", "IMPORT", "SUMMARY"]
    row = next(line for line in lines if "griffin-lim" in line)
    assert row.split()[:3] == ["vocoder", "griffin-lim", "ok"]
    assert row.endswith("Fast Griffin-Lim phase reconstruction.")


def test_one_kind_can_be_asked_for(genvae: Genvae) -> None:
    rows = json.loads(genvae("plugins", "list", "--kind", "vocoder", "--json").stdout)
    assert rows
    assert {row["kind"] for row in rows} == {"vocoder"}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module", "No module named 'no_such_module'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def broken(:", "SyntaxError"),
        ("import genvae\n@genvae.hookimpl\ndef genvae_vocodrs(): ...", "genvae_vocoders"),
        ("import genvae\n@genvae.hookimpl\ndef genvae_vocoders(): 1 / 0", "ZeroDivisionError"),
        ("import genvae\n@genvae.hookimpl\ndef genvae_vocoders(): yield 'x'", "yields str"),
    ],
)
def test_a_broken_plugin_is_a_row_with_its_reason(genvae: Genvae, install: Install, source: str, reason: str) -> None:
    install("acme-broken", source)
    result = genvae("plugins", "list")
    assert result.exit_code == 0
    [row] = [line for line in result.stdout.splitlines() if "acme-broken" in line]
    assert "broken" in row.split()
    assert reason in row
    assert "griffin-lim" in result.stdout
    told = next(r for r in json.loads(genvae("plugins", "list", "--json").stdout) if r["distribution"] == "acme-broken")
    assert (told["state"], told["version"]) == ("broken", "1.0")


def test_a_strangers_words_are_neither_markup_nor_lines(genvae: Genvae, install: Install) -> None:
    install("acme", GOOD.format(name="mine"))
    [row] = [line for line in genvae("plugins", "list").stdout.splitlines() if "acme" in line]
    assert row.endswith("[bold] takes two lines")


def test_show_tells_each_option_with_its_type_and_default(genvae: Genvae, install: Install) -> None:
    install("acme", GOOD.format(name="mine"))
    result = genvae("plugins", "show", "mine")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["vocoder.depth", "a", "whole", "number", "3"] in lines
    assert ["factory", "nowhere:X"] in lines
    assert ["example", "genvae", "generate", "--genre", "GENRE", "--vocoder", "mine"] in lines
    told = json.loads(genvae("plugins", "show", "mine", "--json").stdout)
    assert told["options"][0] == {"name": "depth", "type": "a whole number", "default": "3", "meaning": ""}


def test_show_tells_what_a_model_suggests(genvae: Genvae) -> None:
    assert "transform.n_fft=512" in genvae("plugins", "show", "reference-vae").stdout


def test_show_of_an_unknown_name_is_answered_with_the_nearest(genvae: Genvae) -> None:
    result = genvae("plugins", "show", "grifin-lim")
    assert result.exit_code == 6
    assert "Did you mean 'griffin-lim'?" in result.stderr


def test_a_clash_is_listed_and_asked_about(genvae: Genvae, install: Install) -> None:
    install("acme", GOOD.format(name="griffin-lim"))
    rows = [line for line in genvae("plugins", "list").stdout.splitlines() if " griffin-lim " in line]
    assert len(rows) == 2
    assert all("clash" in row for row in rows)
    result = genvae("plugins", "show", "griffin-lim")
    assert result.exit_code == 6
    assert "acme:griffin-lim or genvae:griffin-lim" in result.stderr
    assert genvae("plugins", "show", "acme:griffin-lim").exit_code == 0


def test_a_name_of_two_kinds_is_asked_about(genvae: Genvae, install: Install) -> None:
    install("acme", GOOD.format(name="stft"))
    result = genvae("plugins", "show", "stft")
    assert result.exit_code == 6
    assert "--kind transform or --kind vocoder" in result.stderr
    assert genvae("plugins", "show", "stft", "--kind", "vocoder").stdout.startswith("plugin   vocoder stft")
