"""What is being checked: one plugin with the registry that knows it, found by name or by a path."""

from __future__ import annotations

import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from genvae.errors import PluginError, nearest
from genvae.plugin import options
from genvae.plugin.declarations import KINDS, Plugin
from genvae.plugin.discovery import PluginRow, PluginSource, normalised
from genvae.plugin.registry import Registry, installed, is_of, load_factory, with_sources
from genvae.testing.failure import CheckFailure, unchanged

Choice = Path | str | Callable[[Path], Path] | None
"""A dataset's source: a path, or a function that writes one into an empty folder and gives its path."""


@dataclass
class Subject:
    """A plugin under test.

    Attributes:
        row: as the registry has it; of a broken one the plugin is None.
        registry: knows it and all that is installed.
        options: values by section, over the defaults.
        source: of a dataset.
        paths: on which new processes find it.
        file: whether it is a single file, which users name with --plugin.
        cache: what several checks share.
    """

    row: PluginRow
    registry: Registry
    options: dict[str, dict[str, Any]] = field(default_factory=dict)
    source: Choice = None
    paths: list[str] = field(default_factory=list)
    file: bool = False
    cache: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of plugin."""
        return self.row.kind

    @property
    def plugin(self) -> Plugin:
        """The declaration.

        Raises:
            CheckFailure: it is broken.
        """
        if self.row.plugin is None:
            raise CheckFailure("a sound declaration", self.row.reason)
        return self.row.plugin

    @property
    def name(self) -> str:
        """The name by which the registry knows this one whatever else is installed."""
        return f"{self.row.distribution}:{self.row.name}"

    @cached_property
    def factory(self) -> Any:
        """What the declaration's factory names, imported."""
        return load_factory(self.plugin)

    def chosen(self) -> Any:
        """An instance of the plugin's options: the defaults, under those that were given."""
        return options.build(self.plugin.options, self.options.get(self.kind, {}), where=self.kind)

    def make(self, *arguments: Any, **context: Any) -> Any:
        """A new instance of the plugin's class."""
        with unchanged():
            return self.factory(self.chosen(), *arguments, **context)

    @cached_property
    def _scratch(self) -> tempfile.TemporaryDirectory[str]:
        return tempfile.TemporaryDirectory(prefix="genvae-check-")

    def folder(self, name: str) -> Path:
        """A new empty folder, which is gone when the checks are done."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._scratch.name))


def find(
    target: str | Path, *, kind: str | None = None, values: Mapping[str, Any] | None = None, source: Choice = None
) -> list[Subject]:
    """The plugins that a target means.

    Args:
        target: the name of a plugin, `distribution:name`, or the name of a distribution, for all of its plugins; as a
            Path, a project's folder (with pyproject.toml), a package's folder or a Python file, installed or not.
        values: options by dotted names, such as `{"model.width": 32, "transform.n_fft": 256}`.

    Raises:
        PluginError: there is no such thing, or several kinds have a plugin of the name.
    """
    sections = _sections(values or {})
    if isinstance(target, Path):
        registry, paths, names = _registry_of(target)
        rows = [row for row in registry.declared() if is_of(row, names[0])]
        is_file = target.suffix == ".py"
    else:
        registry, paths, is_file = installed(), [], False
        rows = _named(registry, target, kind)
    rows = [row for row in rows if kind in (None, row.kind)]
    if not rows:
        raise PluginError(f"{target} has no plugin of the kind {kind}." if kind else f"{target} has no plugins.")
    return [Subject(row, registry, sections, source, paths, is_file) for row in rows]


def _named(registry: Registry, target: str, kind: str | None) -> list[PluginRow]:
    declared = registry.declared()
    distribution, _, bare = target.rpartition(":")
    rows = [r for r in declared if r.name == bare and is_of(r, distribution) and kind in (None, r.kind)]
    if len({row.kind for row in rows}) > 1:
        kinds = " or ".join(sorted(row.kind for row in rows))
        raise PluginError(f"Plugins of several kinds are called {target!r}: say which, {kinds}.")
    if len(rows) > 1:
        raise PluginError(
            f"Two distributions have it: write {' or '.join(f'{r.distribution}:{r.name}' for r in rows)}."
        )
    if rows:
        return rows
    rows = [row for row in declared if normalised(row.distribution) == normalised(target)]
    if not rows:
        names = {row.name for row in declared} | {row.distribution for row in declared}
        hint = nearest(target, names)
        cure = hint if hint.startswith("Did") else "`genvae plugins list` names all."
        raise PluginError(
            f"There is no plugin and no distribution {target!r}. {cure} One that is not installed can be "
            "checked by its path."
        )
    return rows


def _sections(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    sections: dict[str, dict[str, Any]] = {}
    for dotted, value in values.items():
        section, dot, name = dotted.partition(".")
        if not dot or section not in KINDS:
            raise PluginError(f"Options are named as SECTION.NAME, such as model.width; {dotted!r} is not.")
        sections.setdefault(section, {})[name] = value
    return sections


def _registry_of(path: Path) -> tuple[Registry, list[str], list[str]]:
    """A registry that knows a project, package or file beside what is installed, and where new processes find it.

    New processes find it as an installed distribution: a folder of metadata on their path says so.
    """
    path = path.absolute()
    if (path / "pyproject.toml").is_file():
        sources, roots = _project(path)
    else:
        sources, roots = [PluginSource.of_file(path)], [str(path.parent)]
    first = sources[0]
    stage = tempfile.TemporaryDirectory(prefix="genvae-check-")
    _STAGES.append(stage)
    folder = Path(stage.name) / f"{normalised(first.distribution).replace('-', '_')}-{first.version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {first.distribution}\nVersion: {first.version}\n")
    points = "\n".join(f"{source.name} = {source.value}" for source in sources)
    (folder / "entry_points.txt").write_text(f"[genvae]\n{points}\n")
    return with_sources(sources), [stage.name, *roots], [first.distribution]


_STAGES: list[tempfile.TemporaryDirectory[str]] = []  # kept while the program runs


def _project(path: Path) -> tuple[list[PluginSource], list[str]]:
    """What the pyproject.toml of a folder declares, and the folders in which its packages lie, now on sys.path."""
    import importlib

    try:
        project = tomllib.loads((path / "pyproject.toml").read_text(encoding="utf-8")).get("project", {})
    except tomllib.TOMLDecodeError as error:
        raise PluginError(f"{path / 'pyproject.toml'} is no TOML: {error}.") from error
    points = project.get("entry-points", {}).get("genvae", {})
    if not points:
        raise PluginError(
            f"{path / 'pyproject.toml'} has no entry point of the group genvae: "
            'add [project.entry-points.genvae] with a line such as mine = "my_package".'
        )
    roots = [str(root) for root in (path / "src", path) if root.is_dir()]
    for root in reversed(roots):
        if root not in sys.path:
            sys.path.insert(0, root)
    importlib.invalidate_caches()

    def loader(value: str) -> Callable[[], Any]:
        return lambda: importlib.import_module(value.partition(":")[0])

    name, version = str(project.get("name", path.name)), str(project.get("version", "0"))
    return [PluginSource(name, version, point, value, loader(value)) for point, value in points.items()], roots
