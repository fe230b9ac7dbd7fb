"""The registry against entry points that are broken in every way that a stranger's can be."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path
from typing import Any

import pytest

from genvae.errors import PluginError
from genvae.plugin.declarations import VocoderPlugin
from genvae.plugin.registry import PluginRow, Registry, installed, load_factory

HEAD = "import genvae\n"
GOOD = """
import genvae

@genvae.hookimpl
def genvae_vocoders():
    yield genvae.VocoderPlugin(name="mine", summary="Mine.", factory="collections:OrderedDict")
"""


class FakeDistribution(Distribution):
    """A distribution of a name and a version, without files."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read_text(self, filename: str) -> str | None:
        return f"Metadata-Version: 2.1\nName: {self._name}\nVersion: 1.5\n" if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        raise NotImplementedError


class Shelf:
    """Makes modules that can be imported, and the entry points that name them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def point(self, source: str, distribution: str = "strange") -> EntryPoint:
        self.count += 1
        module = f"shelf_{self.folder.name.replace('-', '_')}_{self.count}"
        (self.folder / f"{module}.py").write_text(textwrap.dedent(source))
        point = EntryPoint(name="entry", value=module, group="genvae")
        return point._for(FakeDistribution(distribution))  # type: ignore[attr-defined]  # as importlib.metadata does


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.syspath_prepend(tmp_path)
    return Shelf(tmp_path)


def only_row(point: EntryPoint) -> PluginRow:
    (row,) = Registry([point]).rows
    return row


def test_a_sound_plugin_is_found_with_its_distribution(shelf: Shelf) -> None:
    registry = Registry([shelf.point(GOOD)])
    row = registry.row("vocoder", "mine")
    assert (row.kind, row.name, row.distribution, row.version, row.state) == ("vocoder", "mine", "strange", "1.5", "ok")
    assert registry.row("vocoder", "strange:mine") == row
    assert registry.plugin("vocoder", "mine").summary == "Mine."


BROKEN = {
    "an import that fails": ("import no_such_module_anywhere", "no_such_module_anywhere"),
    "a syntax error": ("def", "SyntaxError"),
    "a program that exits at import": ("import sys; sys.exit(3)", "SystemExit"),
    "a declaration at import that fails": ("1 / 0", "ZeroDivisionError"),
    "a hook without its mark": (GOOD.replace("@genvae.hookimpl", ""), "no hook; is @genvae.hookimpl missing"),
    "a misspelt hook": (
        HEAD + "@genvae.hookimpl\ndef genvae_vocoder(): yield",
        "'genvae_vocoder'.*Did you mean 'genvae_vocoders'",
    ),
    "a hook with arguments": (HEAD + "@genvae.hookimpl\ndef genvae_vocoders(config): yield", "config"),
    "a hook that raises": (HEAD + "@genvae.hookimpl\ndef genvae_vocoders(): raise OSError('disc on fire')", "on fire"),
    "a hook that exits": (HEAD + "@genvae.hookimpl\ndef genvae_vocoders(): raise SystemExit('bye')", "SystemExit"),
    "a hook that yields nothing but returns None": (
        HEAD + "@genvae.hookimpl\ndef genvae_vocoders(): return None",
        "not iterable|returned",
    ),
    "a declaration of the wrong type": (
        HEAD + "@genvae.hookimpl\ndef genvae_vocoders(): yield 'mine'",
        "yields str, expected VocoderPlugin",
    ),
    "a declaration of another kind": (
        HEAD + "@genvae.hookimpl\ndef genvae_vocoders(): yield genvae.PriorPlugin(name='x', summary='', factory='a:B')",
        "yields PriorPlugin, expected VocoderPlugin",
    ),
    "a factory that is no import string": (
        GOOD.replace("collections:OrderedDict", "collections.OrderedDict"),
        "'module:Class'",
    ),
    "a factory that is a class": (GOOD.replace('"collections:OrderedDict"', "dict"), "'module:Class'"),
    "options that are no dataclass": (GOOD.replace("summary", "options=dict, summary"), "not a dataclass"),
    "a plugin of a later genvae": (GOOD.replace("summary", "api=99, summary"), "upgrade genvae"),
}


@pytest.mark.parametrize(("source", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_one_row_with_its_reason(shelf: Shelf, source: str, reason: str) -> None:
    registry = Registry([shelf.point(source), shelf.point(GOOD.replace("mine", "sound"), "neighbour")])
    assert registry.row("vocoder", "sound").state == "ok"  # what stands beside it still works
    (row,) = (r for r in registry.rows if r.distribution == "strange")
    assert row.state == "broken"
    assert row.plugin is None
    assert re.search(reason, row.reason)
    assert "\n" not in row.reason


def test_a_missing_plugin_is_answered_with_the_nearest_and_with_what_is_broken(shelf: Shelf) -> None:
    registry = Registry([shelf.point(GOOD), shelf.point("import no_such_module_anywhere", "broken-one")])
    with pytest.raises(PluginError, match=r"no vocoder 'mime'\. Did you mean 'mine'\?.*broken-one.*no_such_module"):
        registry.row("vocoder", "mime")
    with pytest.raises(PluginError, match="no prior 'mine'"):
        registry.row("prior", "mine")


@pytest.mark.parametrize("failure", ["lambda: 'no libfoo here'", "lambda: 1 / 0", "__import__('sys').exit"])
def test_a_plugin_that_cannot_run_here_says_why(shelf: Shelf, failure: str) -> None:
    registry = Registry([shelf.point(GOOD.replace("summary", f"unavailable={failure}, summary"))])
    (row,) = registry.rows
    assert row.state == "unavailable"
    assert re.search("no libfoo here|ZeroDivisionError|SystemExit", row.reason)
    with pytest.raises(PluginError, match="'mine' can't be used"):
        registry.row("vocoder", "mine")


def test_a_clash_names_both_distributions_and_the_longer_names_serve(shelf: Shelf) -> None:
    registry = Registry([shelf.point(GOOD, "first"), shelf.point(GOOD, "second")])
    assert [(r.distribution, r.state) for r in registry.rows] == [("first", "clash"), ("second", "clash")]
    assert "second" in registry.rows[0].reason
    with pytest.raises(PluginError, match="first:mine or second:mine"):
        registry.row("vocoder", "mine")
    assert registry.row("vocoder", "second:mine").distribution == "second"


def test_a_broken_namesake_does_not_stand_in_the_way(shelf: Shelf) -> None:
    broken = GOOD.replace("collections:OrderedDict", "nothing")
    registry = Registry([shelf.point(GOOD, "first"), shelf.point(broken, "second")])
    assert registry.row("vocoder", "mine").distribution == "first"
    with pytest.raises(PluginError, match="module:Class"):
        registry.row("vocoder", "second:mine")


def test_one_entry_point_may_bring_several_plugins(shelf: Shelf) -> None:
    source = GOOD + "    yield genvae.VocoderPlugin(name='also', summary='', factory='a:B')\n"
    source += "    yield 7\n"
    rows = Registry([shelf.point(source)]).rows
    assert [(r.name, r.state) for r in rows] == [("also", "ok"), ("entry", "broken"), ("mine", "ok")]


@pytest.mark.parametrize("factory", ["no_such_module_anywhere:A", "collections:NoSuchClass"])
def test_a_factory_that_cannot_be_imported_is_an_error_that_names_it(factory: str) -> None:
    with pytest.raises(PluginError, match=f"'mine' can't be loaded from '{factory}'"):
        load_factory(VocoderPlugin(name="mine", summary="", factory=factory))


def test_a_factory_whose_module_exits_is_an_error(shelf: Shelf) -> None:
    module = shelf.point("raise SystemExit(2)").value
    with pytest.raises(PluginError, match="SystemExit"):
        load_factory(VocoderPlugin(name="mine", summary="", factory=f"{module}:A"))


def test_what_comes_with_genvae_is_installed_and_sound() -> None:
    own = [r for r in installed().rows if r.distribution == "genvae"]
    assert {"stft"} <= {r.name for r in own if r.kind == "transform"}
    assert {"standard-normal", "gaussian", "gmm"} <= {r.name for r in own if r.kind == "prior"}
    assert {"griffin-lim"} <= {r.name for r in own if r.kind == "vocoder"}
    for row in own:
        assert row.state in ("ok", "unavailable"), row.reason
        assert row.plugin is not None
        assert isinstance(load_factory(row.plugin), type)


def test_finding_a_plugin_that_comes_with_genvae_imports_no_heavy_library() -> None:
    program = """
import sys
from genvae.plugin.registry import installed
assert installed().plugin("vocoder", "pghi-refined") and installed().plugin("transform", "stft")
print(*sorted({"torch", "numpy", "sklearn", "soundfile", "numba"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
