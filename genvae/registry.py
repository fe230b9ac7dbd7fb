"""Finds plugins, checks what they declare, and says of each one that can't be used why not."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Literal

import pluggy

from genvae import hookspecs
from genvae.errors import PluginError, nearest
from genvae.plugin import API, KINDS, Plugin

State = Literal["ok", "unavailable", "clash", "broken"]

_KIND_OF_HOOK = {f"genvae_{kind}s": kind for kind in KINDS}


@dataclass(frozen=True)
class Row:
    """What is known of one plugin, or of an entry point that brought none.

    state: `ok`; `unavailable` (works, but not on this machine); `clash` (two distributions use the name);
    `broken` (breaks the contract or can't be imported). reason: why it is not ok. plugin: None when broken.
    """

    kind: str
    name: str
    distribution: str
    version: str
    state: State
    reason: str = ""
    plugin: Plugin | None = None


class Registry:
    """The plugins of some entry points; `installed()` is the one of this environment."""

    def __init__(self, points: Iterable[EntryPoint]) -> None:
        rows = [row for point in points for row in _rows_of(point)]
        self._declared = sorted(_mark_clashes(rows), key=_order)

    @cached_property
    def rows(self) -> list[Row]:
        """Every plugin with its state; asks each whether it can run on this machine, which may take seconds."""
        return [_checked(row) for row in self._declared]

    def names(self, kind: str) -> list[str]:
        """What `row` may be asked for, sorted; none of them has been asked whether it can run here."""
        rows = [row for row in self._declared if row.kind == kind and row.plugin]
        return [f"{row.distribution}:{row.name}" if row.state == "clash" else row.name for row in rows]

    def row(self, kind: str, name: str) -> Row:
        """The row of a usable plugin, by `name` or `distribution:name`.

        Raises:
            PluginError: there is none, two distributions have it, it is broken, or it can't run here.
        """
        distribution, _, bare = name.rpartition(":")
        rows = [r for r in self._declared if r.kind == kind and r.name == bare and distribution in ("", r.distribution)]
        rows = [r for r in rows if r.plugin] or rows  # a broken one does not stand in the way of its namesake
        if not rows:
            known = [r.name for r in self._declared if r.kind == kind and r.plugin]
            broken = [f"{r.distribution} ({r.reason})" for r in self._declared if r.plugin is None]
            hint = f" These distributions are broken, and may be what brings it: {'; '.join(broken)}." if broken else ""
            raise PluginError(f"There is no {kind} {name!r}. {nearest(bare, known)}{hint}")
        if len(rows) > 1:
            names = " and ".join(f"{r.distribution}:{r.name}" for r in rows)
            raise PluginError(f"Two distributions have a {kind} {bare!r}: write {names.replace(' and ', ' or ')}.")
        row = _checked(rows[0])  # only those that are used are asked, as asking may import a large library
        if row.plugin is None or row.state == "unavailable":
            raise PluginError(f"The {kind} {name!r} can't be used: {row.reason}")
        return row

    def plugin(self, kind: str, name: str) -> Plugin:
        """The declaration of a usable plugin; raises PluginError as `row` does."""
        plugin = self.row(kind, name).plugin
        assert plugin is not None  # row() has refused the broken ones
        return plugin


@cache
def installed() -> Registry:
    """The plugins of this environment, found once."""
    unique = {(p.dist.name if p.dist else "", p.name, p.value): p for p in entry_points(group="genvae")}
    return Registry(unique.values())


def load_factory(plugin: Plugin) -> Any:
    """Import the class that a declaration names.

    Raises:
        PluginError: it can't be imported.
    """
    module, _, attribute = plugin.factory.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # what a stranger's module does at import is one line for the user
        what = f"The {plugin.kind} {plugin.name!r} can't be loaded from {plugin.factory!r}"
        raise PluginError(f"{what}: {type(error).__name__}: {error}") from error


def _rows_of(point: EntryPoint) -> Iterator[Row]:
    """Load one entry point behind a guard and yield a row for each declaration, or one that says what is wrong."""
    name, version = (point.dist.name, point.dist.version) if point.dist else ("?", "?")
    nothing = Row(kind="?", name=point.name, distribution=name, version=version, state="broken")
    try:
        hooks = list(_hooks(point.load()))
    except PluginError as error:
        yield replace(nothing, reason=str(error))
        return
    except (Exception, SystemExit) as error:  # a plugin can't break the tool, whatever it does when it is looked at
        yield replace(nothing, reason=f"importing {point.value} failed: {type(error).__name__}: {error}")
        return
    if not hooks:
        yield replace(nothing, reason=f"{point.value} implements no hook; is @genvae.hookimpl missing on one?")
    for hook, function in hooks:
        kind = _KIND_OF_HOOK[hook]
        try:
            declared = list(function())
        except (Exception, SystemExit) as error:
            yield replace(nothing, kind=kind, reason=f"{hook} failed: {type(error).__name__}: {error}")
            continue
        for plugin in declared:
            row = replace(nothing, kind=kind, name=str(getattr(plugin, "name", point.name)))
            problem = _problem(plugin, kind)
            if problem:
                yield replace(row, reason=f"{hook}: {problem}")
                continue
            yield replace(row, plugin=plugin, state="ok")


def _hooks(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The hook implementations of a module, checked by pluggy against the specifications.

    Raises:
        PluginError: an unknown hook (misspelt, or of a newer genvae), or one with arguments.
    """
    manager = pluggy.PluginManager("genvae")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module)
    except (pluggy.PluginValidationError, ValueError) as error:
        raise PluginError(" ".join(str(error).split())) from error
    for caller in manager.get_hookcallers(module) or []:
        if caller.name not in _KIND_OF_HOOK:
            raise PluginError(
                f"unknown hook {caller.name!r}. {nearest(caller.name, _KIND_OF_HOOK)} (or it needs a newer genvae)"
            )
        for implementation in caller.get_hookimpls():
            yield caller.name, implementation.function


def _problem(plugin: object, kind: str) -> str | None:
    """What is wrong with a declaration, or None."""
    if not isinstance(plugin, KINDS[kind]):
        return f"yields {type(plugin).__name__}, expected {KINDS[kind].__name__}"
    if plugin.api > API:
        return f"needs version {plugin.api} of the plugin interface; this genvae has {API}: upgrade genvae"
    if not (inspect.isclass(plugin.options) and hasattr(plugin.options, "__dataclass_fields__")):
        return "its options are not a dataclass"
    if not (isinstance(plugin.factory, str) and ":" in plugin.factory):
        return f"its factory {plugin.factory!r} is not of the form 'module:Class'"
    return None


def _checked(row: Row) -> Row:
    """The row, or where all is well but for this machine, one that says what is missing here."""
    if row.plugin is None or row.state != "ok":
        return row
    reason = _why_unavailable(row.plugin)
    return replace(row, state="unavailable", reason=reason) if reason else row


def _why_unavailable(plugin: Plugin) -> str | None:
    try:
        return plugin.unavailable() if plugin.unavailable else None
    except (Exception, SystemExit) as error:
        return f"its check of this machine failed: {type(error).__name__}: {error}"


def _order(row: Row) -> tuple[int, str, str]:
    kinds = list(KINDS)
    return (kinds.index(row.kind) if row.kind in kinds else len(kinds), row.name, row.distribution)


def _mark_clashes(rows: list[Row]) -> Iterator[Row]:
    for row in rows:
        others = [r for r in rows if r is not row and (r.kind, r.name) == (row.kind, row.name) and r.plugin]
        if row.plugin and others:
            names = ", ".join(sorted({r.distribution for r in others}))
            reason = f"{names} has a {row.kind} of the same name; write {row.distribution}:{row.name}"
            yield replace(row, state="clash", reason=reason)
        else:
            yield row
