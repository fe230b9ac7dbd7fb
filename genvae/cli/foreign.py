"""Commands that plugins add: entry points of the group `genvae.commands`, looked for when a command is none of ours.

An entry point's name is what people type, its value names a `click.Command`. One of ours can't be replaced.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

import click

from genvae.errors import PluginError
from genvae.plugin.discovery import PluginRow, PluginState, normalised
from genvae.plugin.guard import guarded
from genvae.plugin.noise import kept_quiet
from genvae.plugin.registry import Disabled


def names() -> list[str]:
    """The names of the commands that distributions add, without importing any."""
    return sorted({point.name for _, point in _points()})


def find(typed: str) -> click.Command | None:
    """Import the command of that name, or of `distribution:name`; None if no distribution adds it.

    Raises:
        PluginError: two distributions add it, or it can't be imported or is no command.
    """
    distribution, _, name = typed.rpartition(":")
    matches = [
        (dist, point)
        for dist, point in _points()
        if point.name == name and distribution in ("", dist, normalised(dist))
    ]
    if not matches:
        return None
    if len(matches) > 1:
        listed = " or ".join(f"genvae {dist}:{name}" for dist, _ in matches)
        raise PluginError(f"Two distributions add a command {name!r}: write {listed}.")
    [(dist, point)] = matches
    with guarded(f"The command {name!r} of {dist} can't be loaded", point.value), kept_quiet():
        command = point.load()
    if not isinstance(command, click.Command):
        what = f"{point.value} is {type(command).__name__}, expected a click.Command"
        raise PluginError(f"The command {name!r} of {dist} can't be used: {what}.")
    return command


def rows(own: Iterable[str]) -> list[PluginRow]:
    """A row for each command that distributions add, none of them imported; `own` are the names of ours."""
    points, listed = _points(), []
    for dist, point in points:
        version = point.dist.version if point.dist else "?"
        others = sorted(d for d, other in points if other.name == point.name and other is not point)
        reason = ""
        if point.name in own:
            reason = "genvae has a command of that name, which wins"
        elif others:
            reason = f"{', '.join(others)} has a command of the same name; write genvae {dist}:{point.name}"
        state: PluginState = "clash" if reason else "ok"
        listed.append(PluginRow("command", point.name, dist, version, state, reason, origin=point.value))
    return listed


def _points() -> list[tuple[str, EntryPoint]]:
    off = Disabled.by_environment()
    unique: dict[tuple[str, str, str], EntryPoint] = {}
    for point in entry_points(group="genvae.commands"):
        dist = point.dist.name if point.dist else "?"
        if not off.has(dist) and not off.has(dist, point.name):
            unique[dist, point.name, point.value] = point
    return [(dist, point) for (dist, _, _), point in sorted(unique.items())]
