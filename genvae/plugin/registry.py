"""Finds plugins and says of each one that can't be used why not."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from genvae.errors import PluginError, nearest
from genvae.plugin import options
from genvae.plugin.declarations import KINDS, SOUNDS, DatasetPlugin, Plugin, TransformPlugin
from genvae.plugin.discovery import PluginRow as PluginRow
from genvae.plugin.discovery import PluginSource, normalised, rows_of
from genvae.plugin.guard import guarded, one_line, place, stdout_for_data, strict
from genvae.plugin.noise import kept_quiet

_FILES: dict[Path, PluginSource] = {}  # that the user has named


class Registry:
    """The plugins of some entry points and files; `installed()` is the one of this environment.

    Args:
        sources: what declares plugins.
        disabled: names that GENVAE_DISABLE holds: of a plugin, of a distribution, or `distribution:plugin`. A
            distribution that is disabled is not imported.
    """

    def __init__(self, sources: Iterable[EntryPoint | PluginSource], *, disabled: Iterable[str] = ()) -> None:
        self._off = Disabled(disabled)
        plugin_sources = (PluginSource.of_point(s) if isinstance(s, EntryPoint) else s for s in sources)
        rows = [row for source in plugin_sources for row in self._rows_of(source)]
        self._declared = sorted(_mark_clashes(rows), key=_order)

    @cached_property
    def rows(self) -> list[PluginRow]:
        """Every plugin with its state; asks each whether it can run on this machine, which may take seconds."""
        return [_checked(row) for row in self._declared]

    def declared(self) -> list[PluginRow]:
        """Every plugin, without asking whether it can run on this machine."""
        return list(self._declared)

    def names(self, kind: str) -> list[str]:
        """What `row` may be asked for, sorted; none of them has been asked whether it can run here."""
        return [row.short_name for row in self._declared if row.kind == kind and row.plugin]

    def row(self, kind: str, name: str) -> PluginRow:
        """The row of a usable plugin, by `name` or `distribution:name`.

        Raises:
            PluginError: there is none, two distributions have it, it is broken or disabled, or it can't run here.
        """
        distribution, _, bare = name.rpartition(":")
        rows = [r for r in self._declared if r.kind == kind and r.name == bare and is_of(r, distribution)]
        rows = [r for r in rows if r.plugin] or rows  # a broken one does not stand in the way of its namesake
        if not rows:
            candidates = [r.name for r in self._declared if r.kind == kind and r.plugin]
            raise PluginError(f"There is no {kind} {name!r}. {nearest(bare, candidates)}{self._may_bring()}")
        if len(rows) > 1:
            names = sorted({f"{r.distribution}:{r.name}" for r in rows})
            if len(names) == 1:
                raise PluginError(
                    f"{rows[0].distribution} declares {len(rows)} {kind}s named {bare!r}: it must rename all but one."
                )
            raise PluginError(f"Two distributions have a {kind} {bare!r}: write {' or '.join(names)}.")
        row = _checked(rows[0])  # only those that are used are asked, as asking may import a large library
        if row.plugin is None or row.state == "unavailable":
            raise PluginError(f"The {kind} {name!r} can't be used: {row.reason}")
        return row

    def plugin(self, kind: str, name: str) -> Plugin:
        """The declaration of a usable plugin; raises PluginError as `row` does."""
        return self.row(kind, name).usable()

    def make(self, kind: str, name: str, values: Any = None, /, *args: Any, **context: Any) -> Any:
        """Make a part: an instance of a plugin's class with some options given and the others at their defaults.

        Args:
            kind: dataset, transform, model, prior or vocoder.
            name: `name` or `distribution:name`.
            values: of options, as JSON or a command line holds them; or the options themselves.
            args: what the class of that kind takes after its options.
            context: likewise, by keyword.

        Raises:
            PluginError: there is no such plugin, it can't be used here, or making it failed.
            OptionError: it refuses an option.
            SpecMismatch: it refuses the features.
        """
        row = self.row(kind, name)
        plugin = row.usable()
        chosen = values
        if not isinstance(values, plugin.options):
            chosen = options.build(plugin.options, values or {}, where=kind)
        factory = load_factory(plugin)
        with guarded(f"The {kind} {row.name!r} of {row.distribution} could not be made", plugin.factory):
            return factory(chosen, *args, **context)

    def require_items(self, items: str) -> None:
        """Check that an installed dataset or transform declares a kind of items: a file must not have others imported.

        Raises:
            PluginError: none does.
        """
        declared = [row.plugin for row in self._declared if isinstance(row.plugin, DatasetPlugin | TransformPlugin)]
        if items != SOUNDS and items not in {plugin.items for plugin in declared}:
            raise PluginError(f"The items are {items!r}, which no installed plugin knows. Install what brings it.")

    def _rows_of(self, source: PluginSource) -> Iterator[PluginRow]:
        if self._off.has(source.distribution):
            yield PluginRow(
                "?",
                source.name,
                source.distribution,
                source.version,
                "disabled",
                _DISABLED,
                module=source.value,
                origin=source.value,
            )
            return
        for row in rows_of(source):
            if self._off.has(row.distribution, row.name):
                row = replace(row, state="disabled", reason=_DISABLED, plugin=None)
            yield row

    def _may_bring(self) -> str:
        """What may have brought the plugin that is missing."""
        hint = ""
        broken = [f"{r.distribution} ({r.reason})" for r in self._declared if r.state == "broken"]
        if broken:
            hint += f" These distributions are broken, and may be what brings it: {'; '.join(broken)}."
        off = sorted({r.distribution for r in self._declared if r.state == "disabled"})
        if off:
            hint += f" GENVAE_DISABLE switches off plugins of {', '.join(off)}."
        return hint


_DISABLED = "GENVAE_DISABLE names it"


class Disabled:
    """The names in GENVAE_DISABLE."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = frozenset(names)

    @classmethod
    def by_environment(cls) -> Disabled:
        """Those of the environment variable, separated by commas."""
        return cls(name.strip() for name in os.environ.get("GENVAE_DISABLE", "").split(",") if name.strip())

    def has(self, distribution: str, plugin: str | None = None) -> bool:
        """Whether a distribution is named, or a plugin of it."""
        if plugin is None:
            return normalised(distribution) in {normalised(name) for name in self.names if ":" not in name}
        pairs = ((normalised(d), p) for d, _, p in (name.rpartition(":") for name in self.names))
        return any(p == plugin and d in ("", normalised(distribution)) for d, p in pairs)


def is_of(row: PluginRow, distribution: str) -> bool:
    """Whether a row comes from that distribution, however it is spelt; "" is any."""
    return not distribution or normalised(distribution) == normalised(row.distribution)


@cache
def installed() -> Registry:
    """The plugins of this environment and of the files that were named, found once."""
    return with_sources([])


def with_sources(sources: Iterable[PluginSource]) -> Registry:
    """The plugins of this environment and some others, which hide those of the same distributions."""
    extra = [*_FILES.values(), *sources]
    hidden = {normalised(source.distribution) for source in extra}
    unique = {(p.dist.name if p.dist else "", p.name, p.value): p for p in entry_points(group="genvae")}
    points = [p for (distribution, _, _), p in unique.items() if normalised(distribution) not in hidden]
    return Registry([*points, *extra], disabled=Disabled.by_environment().names)


def use_file(path: Path) -> None:
    """Let `installed()` know the plugins of a file too, as --plugin does.

    Raises:
        PluginError: there is no such file, or it can't be a module.
    """
    _FILES[path.absolute()] = PluginSource.of_file(path)
    installed.cache_clear()


def flaws(path: Path) -> list[str]:
    """What is wrong with the plugins of a file, a sentence each; none where all of them can be used."""
    return [row.reason for row in rows_of(PluginSource.of_file(path)) if row.state == "broken"]


def forget_file(path: Path) -> None:
    """Undo `use_file`."""
    source = _FILES.pop(path.absolute(), None)
    if source is not None:
        held = getattr(sys.modules.get(source.value), "__file__", None)
        if held and Path(held).resolve() in (path.resolve(), path.resolve() / "__init__.py"):  # not its namesake
            for name in [name for name in sys.modules if name.partition(".")[0] == source.value]:
                del sys.modules[name]
        if (folder := str(path.absolute().parent)) in sys.path:
            sys.path.remove(folder)
    installed.cache_clear()


def load_factory(plugin: Plugin) -> Any:
    """Import the class that a declaration names.

    Raises:
        PluginError: it can't be imported.
    """
    module, _, attribute = plugin.factory.partition(":")
    with (
        guarded(f"The {plugin.kind} {plugin.name!r} can't be loaded from {plugin.factory!r}", plugin.factory),
        kept_quiet(),
    ):
        return getattr(importlib.import_module(module), attribute)


def _checked(row: PluginRow) -> PluginRow:
    """The row, or where all is well but for this machine, one that says what is missing here."""
    if row.plugin is None or row.state not in ("ok", "slow", "noisy"):
        return row
    reason = why_unavailable(row.plugin)
    return replace(row, state="unavailable", reason=reason) if reason else row


def why_unavailable(plugin: Plugin) -> str | None:
    """Why a plugin can't run on this machine, or None; a check that fails itself is a reason."""
    try:
        with stdout_for_data():
            return plugin.unavailable() if plugin.unavailable else None
    except (Exception, SystemExit) as error:
        if strict() and isinstance(error, Exception):
            raise
        return f"its check of this machine failed: {one_line(error)}{place(error, plugin.factory)}"


def _order(row: PluginRow) -> tuple[int, str, str]:
    kinds = list(KINDS)
    return (kinds.index(row.kind) if row.kind in kinds else len(kinds), row.name, row.distribution)


def _mark_clashes(rows: list[PluginRow]) -> Iterator[PluginRow]:
    for row in rows:
        others = [r for r in rows if r is not row and (r.kind, r.name) == (row.kind, row.name) and r.plugin]
        if not (row.plugin and others):
            yield row
            continue
        names = ", ".join(sorted({r.distribution for r in others} - {row.distribution}))
        reason = f"{row.distribution} declares the name twice"
        if names:
            reason = f"{names} has a {row.kind} of the same name; write {row.distribution}:{row.name}"
        if strict():
            raise PluginError(f"The {row.kind} {row.name!r} of {row.distribution} clashes: {reason}.")
        yield replace(row, state="clash", reason=reason)
