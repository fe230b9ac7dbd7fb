"""`genvae plugins`: which plugins there are, what state they are in, and what each can be told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from genvae.cli.completion import complete_plugins
from genvae.cli.output import say, show_fields, show_json, show_path, show_table, tracked
from genvae.errors import PluginError, nearest
from genvae.plugin.declarations import KINDS, ModelPlugin, VocoderPlugin
from genvae.text import printable

if TYPE_CHECKING:
    from genvae.plugin.registry import PluginRow, Registry

_KIND = click.Choice(list(KINDS))
_LISTED = click.Choice([*KINDS, "command"])

_EXAMPLES = {
    "dataset": "genvae prepare SOURCE --dataset {name} --out STORE",
    "vocoder": "genvae generate --genre GENRE --vocoder {name}",
    "schedule": "genvae train STORE --run RUN --set train.schedule={name}",
    "callback": "genvae train STORE --run RUN --set train.callbacks={name}",
    "embedder": "genvae evaluate RUN --store STORE",
    "metric": "genvae evaluate RUN --store STORE",
}
_TRAIN = "genvae train STORE --{kind} {name} --run RUN"
_LEARNS = "genvae train-vocoder STORE --for RUN --vocoder {name} --run NEW"


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
    from genvae.plugin.registry import installed

    rows = [row for row in (*installed().rows, *foreign.rows(COMMANDS)) if kind is None or row.kind in (kind, "?")]
    if as_json:
        show_json([_as_json(row) for row in rows])
        return
    show_table(
        ("KIND", "NAME", "STATE", "FROM", "IMPORT", "SUMMARY"),
        [(row.kind, row.name, row.state, f"{row.distribution} {row.version}", _took(row), _words(row)) for row in rows],
    )


@plugins.command("show")
@click.argument("name", shell_complete=complete_plugins)
@click.option("--kind", type=_KIND, help="Needed where plugins of two kinds have the name.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show_plugin(name: str, kind: str | None, as_json: bool) -> None:
    """Show what one plugin does and each of its options."""
    from dataclasses import asdict

    from genvae.plugin import options
    from genvae.plugin.registry import installed

    row = _find(installed(), name, kind)
    plugin = row.plugin
    described = options.describe(plugin.options) if plugin else []
    suggests = dict(plugin.suggests) if isinstance(plugin, ModelPlugin | VocoderPlugin) else {}
    rates = list(plugin.sample_rates) if isinstance(plugin, VocoderPlugin) else []
    learns = isinstance(plugin, VocoderPlugin) and plugin.learns
    example = _example(row.kind, row.name, learns=learns)
    if as_json:
        fields = [asdict(option) for option in described]
        about: dict[str, Any] = {"factory": plugin.factory if plugin else None, "options": fields, "suggests": suggests}
        about |= {"sample_rates": rates, "learns": learns} if row.kind == "vocoder" else {}
        show_json({**_as_json(row), **about, "example": example})
        return
    shown = [
        ("plugin", f"{row.kind} {row.name}"),
        ("from", f"{row.distribution} {row.version}"),
        ("origin", row.origin),
        ("state", row.state),
    ]
    if row.reason:
        shown.append(("reason", row.reason))
    if plugin:
        shown += [("summary", plugin.summary), ("factory", plugin.factory), ("example", example)]
    if rates:
        shown.append(("rates", ", ".join(f"{rate} Hz" for rate in rates)))
    show_fields(shown)
    if described:
        section = row.name if row.kind in ("schedule", "callback") else row.kind
        click.echo()
        show_table(
            ("OPTION", "TYPE", "DEFAULT", "MEANING"),
            [(f"{section}.{each.name}", each.type, each.default, each.meaning) for each in described],
        )
    if suggests:
        click.echo("\nFor other parts it suggests, where you say nothing:")
        for target, value in suggests.items():
            click.echo(printable(f"  {target}={value}"))


@plugins.command("new")
@click.argument("name")
@click.option("--kind", type=_KIND, required=True, help="What it is.")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Folder of the project, new or empty.  [default: genvae-NAME]",
)
@click.option("--learns", is_flag=True, help="Of a vocoder: one that is trained.")
def new_plugin(name: str, kind: str, output: Path | None, learns: bool) -> None:
    """Begin a plugin: a complete distribution that installs, checks and tests green as it is.

    It has a declaration, a small implementation to change into your own, and a test.

    \b
    genvae plugins new mine --kind vocoder
    pip install -e genvae-mine
    genvae generate --genre techno --vocoder mine
    """
    from genvae.scaffold import write

    folder = write(name, kind, output or Path(f"genvae-{name}"), learns=learns)
    show_path(folder)
    use = _example(kind, name, learns=learns)
    for line in (
        f"Next:  pip install -e {folder}",
        f"       genvae plugins check {name} --kind {kind}",
        f"       {use}",
    ):
        say(line)


@plugins.command("check")
@click.argument("target", metavar="NAME|PATH", shell_complete=complete_plugins)
@click.option("--kind", type=_KIND, help="Needed where plugins of two kinds have the name.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="SECTION.NAME=VALUE",
    help="An option, such as model.width=32; may be repeated. Small sizes are checked sooner.",
)
@click.option("--source", type=click.Path(path_type=Path, exists=True), help="SOURCE for a dataset to read.")
@click.option(
    "--expect",
    "expected",
    multiple=True,
    metavar="CHECK",
    help="A check that is known to fail, and must; may be repeated.",
)
@click.option(
    "--patience", type=click.FloatRange(0, min_open=True), default=600.0, show_default=True, help="Seconds for a check."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def check_plugins(
    target: str,
    kind: str | None,
    assignments: tuple[str, ...],
    source: Path | None,
    expected: tuple[str, ...],
    patience: float,
    as_json: bool,
) -> None:
    """Check that a plugin keeps the promises of its kind.

    NAME is that of a plugin or of a distribution, for all of its plugins; PATH a project's folder, a package's folder
    or a Python file, installed or not. Each failure says what was expected, what came, and where to read. The exit
    status is 1 if something is to be mended.
    """
    from dataclasses import asdict, replace

    from genvae.cli.assignments import parse_assignments
    from genvae.plugin import options
    from genvae.testing.kit import Report, outcome_of, plugin_checks

    values = parse_assignments(assignments)
    options.by_section(values, KINDS)  # refuses a section that is no kind before anything is checked
    path = _as_path(target)
    known = dict.fromkeys(expected, "--expect says so")
    bound = plugin_checks(path or target, kind=kind, options=values, source=source, expected_failures=known)
    outcomes = []
    with tracked(bound, "Checking") as checks:
        for each in checks:
            outcomes.append(outcome_of(replace(each, patience=patience)))
    report = Report(outcomes)
    if as_json:
        show_json(
            {"passed": report.passed, "checks": [{**asdict(o), "seconds": round(o.seconds, 3)} for o in outcomes]}
        )
    else:
        show_table(
            ("PLUGIN", "CHECK", "STATE", "ASKED"),
            [(f"{o.kind} {o.plugin}", o.check, o.state, o.about) for o in outcomes],
        )
        for failure in report.failures():
            click.echo(f"\n{failure.kind} {failure.plugin}: {failure.check}")
            for head, text in (("expected", failure.expected), ("actual", failure.actual), ("read", failure.read)):
                if text:
                    click.echo(printable(f"  {head.ljust(8)}  {text}"))
    if not report.passed:
        raise PluginError(f"{len(report.failures())} of {len(outcomes)} checks did not pass.")


def _example(kind: str, name: str, *, learns: bool) -> str:
    return (_LEARNS if learns else _EXAMPLES.get(kind, _TRAIN)).format(kind=kind, name=name)


def _as_path(target: str) -> Path | None:
    """The path that a target is, if it looks like one: it has a slash, ends in .py, or is the name of a folder here."""
    path = Path(target)
    looks = "/" in target or "\\" in target or path.suffix == ".py" or (path / "pyproject.toml").is_file()
    if looks and not path.exists():
        raise PluginError(f"{target} does not exist.")
    return path if looks else None


def _find(registry: Registry, name: str, kind: str | None) -> PluginRow:
    """The one row of this name, in whatever state; `distribution:name` tells clashing ones apart."""
    from genvae.plugin.registry import is_of

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


def _took(row: PluginRow) -> str:
    return f"{1000 * row.import_seconds:.0f} ms" if row.import_seconds else "-"


def _words(row: PluginRow) -> str:
    summary = f"Adds the command genvae {row.name}." if row.kind == "command" else ""
    return str(row.reason or (row.plugin.summary if row.plugin else summary))


def _as_json(row: PluginRow) -> dict[str, str | float | None]:
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
