"""The embedders and metrics that are installed."""

from __future__ import annotations

from genvae.errors import PluginError
from genvae.interfaces.metric import Metric
from genvae.metrics.embedder import Embedder
from genvae.plugin.registry import Registry

FIRST, LAST = "genvae:statistics", "genvae:embedder"
"""The members that ranks, novelty and what tells clips from real ones rest on, whatever else is installed."""


def embedders(registry: Registry) -> list[Embedder]:
    """All that can be used here, genvae's statistics first and its embedder last.

    Raises:
        PluginError: one can't be made, or two have one name.
    """
    rows = [row for row in registry.rows if row.kind == "embedder" and row.plugin and row.state != "unavailable"]
    rows.sort(key=lambda row: (row.full_name == LAST, row.full_name != FIRST, row.full_name))
    members: dict[str, Embedder] = {}
    for row in rows:
        embedder: Embedder = registry.make("embedder", row.full_name)
        if embedder.name in members:
            raise PluginError(
                f"Two embedders are called {embedder.name!r}, one of them that of {row.distribution}: numbers stand "
                f"under the name. GENVAE_DISABLE={row.full_name} leaves it out."
            )
        members[embedder.name] = embedder
    return list(members.values())


def metrics(registry: Registry) -> dict[str, Metric]:
    """All that can be used here, by the shortest name that finds each.

    Raises:
        PluginError: one can't be made.
    """
    rows = [row for row in registry.rows if row.kind == "metric" and row.plugin and row.state != "unavailable"]
    return {row.short_name: registry.make("metric", row.full_name) for row in rows}
