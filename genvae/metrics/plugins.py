"""The embedders and metrics that are installed: those that don't work are left out, as nobody has asked for them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from genvae.errors import GenvaeError, PluginError
from genvae.interfaces.metric import Metric
from genvae.metrics.embedder import Embedder, Points, Waves
from genvae.plugin.guard import guarded, strict
from genvae.plugin.registry import PluginRow, Registry
from genvae.progress import Listener, Message, ignore

FIRST, LAST = "genvae:statistics", "genvae:embedder"
"""The members that ranks, novelty and what tells clips from real ones rest on, whatever else is installed."""


def embedders(registry: Registry, tried: Waves, rate: int, listener: Listener = ignore) -> list[Embedder]:
    """All that can be used here, genvae's statistics first and its embedder last.

    One of somebody else that can't be made, has the name of another, or makes no points of the waveforms `tried`
    [N, samples] at `rate` Hz is left out, with a warning.

    Raises:
        GenvaeError: one of genvae's own fails. With GENVAE_STRICT=1 any that fails ends it.
    """
    rows = [row for row in registry.rows if row.kind == "embedder" and row.plugin and row.state != "unavailable"]
    rows.sort(key=lambda row: (row.full_name == LAST, row.full_name != FIRST, row.full_name))
    own = {LAST: registry.make("embedder", LAST)} if any(row.full_name == LAST for row in rows) else {}
    taken = {embedder.name for embedder in own.values()}
    members: list[Embedder] = []
    for row in rows:
        try:
            embedder: Embedder = own.get(row.full_name) or registry.make("embedder", row.full_name)
            with guarded(f"The embedder {row.name!r} of {row.distribution} failed", type(embedder).__module__):
                name = embedder.name
            if name in taken and row.full_name not in own:
                raise PluginError(f"The embedder {row.name!r} of {row.distribution} has the name of another, {name!r}.")
            points_of(embedder, np.concatenate([tried, np.zeros_like(tried[:1])]), rate)
        except GenvaeError as error:
            _leave_out(row, error, listener)
            continue
        taken.add(name)
        members.append(embedder)
    return members


def points_of(embedder: Embedder, waves: Waves, rate: int) -> Points:
    """Waveforms [N, samples] at `rate` Hz -> points [N, D].

    Raises:
        PluginError: the embedder fails, or what it gives are no finite points.
    """
    with guarded(f"The embedder {embedder.name!r} failed", type(embedder).__module__):
        points = np.asarray(embedder.embed_at(waves.copy(), rate), np.float64)  # whatever it does to them
        if points.ndim != 2 or len(points) != len(waves) or not np.isfinite(points).all():
            raise ValueError(f"{len(waves)} waveforms gave points {list(points.shape)}, expected finite [N, D]")
    return points


class Metrics:
    """The metrics that can be used here, by the shortest name that finds each.

    One of somebody else that can't be made, or fails, is left out from there on, with a warning.

    Raises:
        GenvaeError: one of genvae's own fails. With GENVAE_STRICT=1 any that fails ends it.
    """

    def __init__(self, registry: Registry, listener: Listener = ignore) -> None:
        self._listener = listener
        self._rows = {
            row.short_name: row
            for row in registry.rows
            if row.kind == "metric" and row.plugin and row.state != "unavailable"
        }
        self._metrics: dict[str, Metric] = {}
        for name, row in self._rows.items():
            try:
                self._metrics[name] = registry.make("metric", row.full_name)
            except GenvaeError as error:
                _leave_out(row, error, listener)

    @property
    def used(self) -> Mapping[str, Metric]:
        """Those that have not failed."""
        return self._metrics

    def measure(self, name: str, pairs: list[tuple[Waves, Waves]], rate: int) -> float | None:
        """The mean of what one says of clips beside real ones; None if it fails.

        Args:
            name: of the metric.
            pairs: of each genre, clips [N, samples] and real ones [M, samples].
            rate: of both, in Hz.
        """
        row, metric = self._rows[name], self._metrics[name]
        values = []
        try:
            for clips, real in pairs:
                with guarded(f"The metric {row.name!r} of {row.distribution} failed", type(metric).__module__):
                    value = float(metric.measure(clips.copy(), real.copy(), sample_rate=rate))
                    if not math.isfinite(value):
                        raise ValueError(f"it gives {value}, expected a finite number")
                    values.append(value)
        except GenvaeError as error:
            del self._metrics[name]
            _leave_out(row, error, self._listener)
            return None
        return float(np.mean(values))


def _leave_out(row: PluginRow, error: GenvaeError, listener: Listener) -> None:
    if strict() or row.distribution == "genvae":
        raise error
    listener(Message(f"{error} It is left out; GENVAE_DISABLE={row.full_name} says so beforehand.", warning=True))
