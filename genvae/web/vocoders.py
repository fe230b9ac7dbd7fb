"""The vocoders that the server offers: those that make a sound of a run, and need no compiler for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from genvae.errors import RunError
from genvae.pipeline import DEFAULTS, PartConfig
from genvae.plugin.registry import Registry
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer

_COMPILERS = ("numba", "umap")  # seconds and hundreds of megabytes, which a server does without


def offered(run: Run, registry: Registry) -> dict[str, Synthesizer]:
    """The run with each vocoder that makes a sound of it: its own first, then the usual one, then by name.

    Raises:
        RunError: the run is unfinished or damaged.
        PluginError: a plugin that it names is missing.
    """
    own, usual = run.config.vocoder, DEFAULTS["vocoder"]
    first_ones = [row.short_name for row in registry.declared() if row.full_name in (own.name, usual)]
    others = sorted(registry.names("vocoder"), key=lambda name: (name not in first_ones, name))
    synthesizers: dict[str, Synthesizer] = {}
    first: Exception | None = None
    for name in [None, *others]:
        if name in synthesizers:
            continue
        try:
            with _without(_COMPILERS):
                part = own if name is None else PartConfig.of(registry, "vocoder", name, {})
                base = next(iter(synthesizers.values()), None)
                new = base.with_vocoder(part, registry) if base else Synthesizer(run, registry, vocoder=part)
                new.generate(new.genres[0], seed=0, index=0)
        except RunError:
            raise
        except Exception as error:  # it wants other features, or a compiler, or it is a stranger's and breaks
            first = first or error
            continue
        synthesizers[name or registry.row("vocoder", own.name).short_name] = new
    if not synthesizers:
        assert first is not None
        raise first
    return synthesizers


@contextmanager
def _without(names: Sequence[str]) -> Iterator[None]:
    """Libraries that are not loaded can't be loaded in the block: importing one is an ImportError."""
    missing = [name for name in names if name not in sys.modules]
    for name in missing:
        sys.modules[name] = None  # type: ignore[assignment]  # what the import system takes for "not there"
    try:
        yield
    finally:
        for name in missing:
            del sys.modules[name]
