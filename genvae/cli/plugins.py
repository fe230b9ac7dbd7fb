"""`genvae plugins`: which plugins there are, what state they are in, and what each can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from genvae.cli.output import show_fields, show_json, show_table
from genvae.errors import PluginError, nearest
from genvae.plugin import KINDS, ModelPlugin
from genvae.text import printable

if TYPE_CHECKING:
    from genvae.registry import Registry, Row

_KIND = click.Choice(list(KINDS))
_LISTED = click.Choice([*KINDS, "command"])

_EXAMPLES = {
    "dataset": "genvae prepare SOURCE --dataset {name} --out STORE",
    "vocoder": "genvae generate --genre GENRE --vocoder {name}",
}
_TRAIN = "genvae train STORE --{kind} {name} --run RUN"


@click.group()
def plugins() -> None:
    """List, show, check and begin plugins."""


@plugins.command("list")
@click.option("--kind", type=_LISTED, help="Only plugins of this kind.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_plugins(kind: str | None, as_json: bool) -> None:
    """List every plugin with its state, where it comes from, and how long its declaration takes to import.

    One that can't be used is a row like the others, with the reason. Commands that plugins add are listed too.

    \b
    GENVAE_DISABLE=NAME,DISTRIBUTION   switches plugins off; a distribution is then not even imported
    GENVAE_STRICT=1                    makes the first broken plugin an error, with its traceback
    """
    from genvae.cli import COMMANDS, foreign
    from genvae.registry import installed

    rows = [row for row in (*installed().rows, *foreign.rows(COMMANDS)) if kind is None or row.kind in (kind, "?")]
    if as_json:
        show_json([_as_json(row) for row in rows])
        return
    show_table(
        ("KIND", "NAME", "STATE", "FROM", "IMPORT", "SUMMARY"),
        [(row.kind, row.name, row.state, f"{row.distribution} {row.version}", _took(row), _words(row)) for row in rows],
    )


@plugins.command("show")
@click.argument("name")
@click.option("--kind", type=_KIND, help="Needed where plugins of two kinds have the name.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show_plugin(name: str, kind: str | None, as_json: bool) -> None:
    """Show what one plugin does and each of its options."""
    from genvae import options
    from genvae.registry import installed

    row = _find(installed(), name, kind)
    plugin = row.plugin
    described = options.describe(plugin.options) if plugin else []
    suggests = dict(plugin.suggests) if isinstance(plugin, ModelPlugin) else {}
    example = _EXAMPLES.get(row.kind, _TRAIN).format(kind=row.kind, name=row.name)
    if as_json:
        fields = [{"name": n, "type": kind, "default": default} for n, kind, default in described]
        about = {"factory": plugin.factory if plugin else None, "options": fields, "suggests": suggests}
        show_json({**_as_json(row), **about, "example": example})
        return
    shown = [("plugin", f"{row.kind} {row.name}"), ("from", f"{row.distribution} {row.version}"),
             ("origin", row.origin), ("state", row.state)]  # fmt: skip
    if row.reason:
        shown.append(("reason", row.reason))
    if plugin:
        shown += [("summary", plugin.summary), ("factory", plugin.factory), ("example", example)]
    show_fields(shown)
    if described:
        click.echo()
        show_table(("OPTION", "TYPE", "DEFAULT"), [(f"{row.kind}.{n}", kind, value) for n, kind, value in described])
    if suggests:
        click.echo("\nFor other parts it suggests, where you say nothing:")
        for target, value in suggests.items():
            click.echo(printable(f"  {target}={value}"))


def _find(registry: Registry, name: str, kind: str | None) -> Row:
    """The one row of this name, in whatever state; `distribution:name` tells clashing ones apart."""
    from genvae.registry import is_of

    distribution, _, bare = name.rpartition(":")
    among = [row for row in registry.rows if kind in (None, row.kind)]
    rows = [row for row in among if row.name == bare and is_of(row, distribution)]
    if not rows:
        what = kind or "plugin"
        raise PluginError(f"There is no {what} {name!r}. {nearest(bare, {row.name for row in among})}")
    if len(rows) > 1:
        if len({row.kind for row in rows}) > 1:
            kinds = " or ".join(f"--kind {row.kind}" for row in rows)
            raise PluginError(f"Plugins of several kinds are called {name!r}: say {kinds}.")
        names = " or ".join(f"{row.distribution}:{row.name}" for row in rows)
        raise PluginError(f"Several distributions have a {rows[0].kind} {name!r}: write {names}.")
    return rows[0]


def _took(row: Row) -> str:
    return f"{1000 * row.import_seconds:.0f} ms" if row.import_seconds else "-"


def _words(row: Row) -> str:
    summary = f"Adds the command genvae {row.name}." if row.kind == "command" else ""
    return str(row.reason or (row.plugin.summary if row.plugin else summary))


def _as_json(row: Row) -> dict[str, str | float | None]:
    return {
        "kind": row.kind,
        "name": row.name,
        "state": row.state,
        "distribution": row.distribution,
        "version": row.version,
        "origin": row.origin,
        "import_ms": round(1000 * row.import_seconds, 1),
        "summary": str(row.plugin.summary) if row.plugin else None,
        "reason": str(row.reason) or None,
    }
