"""Finds other plugins whose specs fit the one that is checked: what feeds a vocoder, what a transform feeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch

from genvae.attributes import Attribute
from genvae.errors import PluginError, SpecMismatch
from genvae.interfaces.transform import Transform
from genvae.interfaces.vocoder import Vocoder
from genvae.items import kind_of
from genvae.pipeline import DEFAULTS, Pipeline, PipelineConfig, suggestions
from genvae.plugin import options
from genvae.plugin.declarations import SOUNDS, TransformPlugin
from genvae.plugin.discovery import PluginRow
from genvae.spec import FeatureSpec
from genvae.testing.failure import CheckFailure
from genvae.testing.subject import Subject

SMALL: Mapping[str, Mapping[str, Any]] = {
    "transform": {"n_fft": 256, "hop": 128},
    "model": {"latent_dim": 4, "width": 16, "neck": 4, "depth": 1, "vae_depth": 1, "components": 8, "flow_steps": 1},
    "vocoder": {"iterations": 2},
}
"""Values that make other parts quick, given to those that have such options."""


def candidates(subject: Subject, kind: str) -> Iterator[PluginRow]:
    """Installed plugins of a kind: the default first, then those that need nothing else installed, then the others."""
    usable = [row for row in subject.registry.declared() if row.kind == kind and row.plugin]

    def order(row: PluginRow) -> tuple[bool, bool]:
        assert row.plugin is not None
        return row.full_name != DEFAULTS.get(kind), row.plugin.unavailable is not None

    return iter(sorted(usable, key=order))


class Feeder:
    """A transform whose inverse a vocoder accepts: `spec` is what it was offered."""

    def __init__(self, transform: Transform, spec: FeatureSpec) -> None:
        self.transform, self.spec = transform, spec

    @torch.no_grad()
    def __call__(self, wave: torch.Tensor) -> torch.Tensor:
        """Waveforms [B, samples] -> spectrograms [B, bins, frames] in the units of `spec`."""
        values = self.transform.invert(self.transform(wave))
        return values if self.spec == self.transform.spec else self.transform.magnitudes(values)


def feeder(subject: Subject, sample_rate: int) -> Feeder:
    """The first installed transform that a vocoder accepts.

    Raises:
        CheckFailure: it accepts none.
    """
    refusals = []
    for row in _of_sounds(candidates(subject, "transform")):
        try:
            transform = _transform(subject, row, sample_rate)
        except PluginError:
            continue  # it can't run here
        for spec in (transform.spec, transform.magnitude_spec):
            if spec is None:
                continue
            try:
                vocoder = subject.make(spec=spec)
            except SpecMismatch as refusal:
                refusals.append(f"{row.name}: {refusal}")
                continue
            assert isinstance(vocoder, Vocoder)  # another check has seen to that
            return Feeder(transform, spec)
    raise CheckFailure("a vocoder that accepts what one of the installed transforms gives", "; ".join(refusals[:3]))


def other_specs(subject: Subject, spec: FeatureSpec, sample_rate: int) -> list[FeatureSpec]:
    """Specs of other kinds, that installed transforms give."""
    specs: dict[str, FeatureSpec] = {}
    for row in _of_sounds(candidates(subject, "transform")):
        assert row.plugin is not None
        if row.plugin.unavailable is not None:
            continue
        other = _transform(subject, row, sample_rate).spec
        if other.kind != spec.kind:
            specs.setdefault(other.kind, other)
    return list(specs.values())


def _of_sounds(rows: Iterable[PluginRow]) -> Iterator[PluginRow]:
    """Those of transforms that take waveforms."""
    return (row for row in rows if isinstance(row.plugin, TransformPlugin) and row.plugin.items == SOUNDS)


def _transform(subject: Subject, row: PluginRow, sample_rate: int) -> Transform:
    plugin = subject.registry.plugin("transform", row.full_name)
    defaults = options.build(plugin.options, {}, where="transform")
    suggested = suggestions(subject.registry, {subject.kind: subject.name}, "transform")
    given = {**suggested, **subject.options.get("transform", {})}
    values = {n: v for n, v in given.items() if hasattr(defaults, n)}
    transform: Transform = subject.registry.make("transform", row.full_name, values, sample_rate=sample_rate)
    return transform.eval()


def pipeline_with(
    subject: Subject,
    *,
    sample_rate: int,
    clip_samples: int,
    genres: tuple[str, ...],
    small: bool = True,
    items: str = SOUNDS,
    attributes: tuple[Attribute, ...] = (),
) -> Pipeline:
    """A pipeline, with weights drawn of a fixed seed, of the plugin and partners that fit it.

    It takes sounds of that rate and length, or `items` of another kind, or what the first transform that fits takes.
    Its model is told of `attributes`.

    Raises:
        CheckFailure: no installed transform or vocoder fits it.
    """
    refusals = []
    for names in _combinations(subject):
        if "transform" in names:
            plugin = subject.registry.plugin("transform", names["transform"])
            items = plugin.items if isinstance(plugin, TransformPlugin) else SOUNDS
        kind = kind_of(items, sample_rate=sample_rate, clip_samples=clip_samples)
        parts = {**kind.parts, **names}
        config = PipelineConfig.assemble(
            subject.registry,
            sample_rate=sample_rate if items == SOUNDS else 0,
            clip_samples=kind.shape[-1],
            genres=genres,
            plugins=parts,
            values=_values(subject, parts, small=small),
            items=items,
            attributes=attributes,
        )
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                return Pipeline.build(config, subject.registry)
        except SpecMismatch as refusal:
            refusals.append(str(refusal))
    raise CheckFailure("a pipeline of this plugin and others that are installed", "; ".join(refusals[:3]))


def _combinations(subject: Subject) -> Iterator[dict[str, str]]:
    """Names of plugins by section: the subject's own with the defaults, then with others for what touches it."""
    own = {subject.kind: subject.name} if subject.kind in DEFAULTS else {}
    yield own
    across = {"vocoder": "transform", "transform": "vocoder", "model": "transform"}.get(subject.kind)
    if across is None:
        return
    others = _others(subject, across)
    for other in others:
        yield {**own, across: other}
    if subject.kind == "model":  # the transform that fits it may fit no default vocoder, as samples do not
        for transform in others:
            for vocoder in _others(subject, "vocoder"):
                yield {**own, "transform": transform, "vocoder": vocoder}


def _others(subject: Subject, kind: str) -> list[str]:
    """The candidates of a kind that can run here, but for the default one."""
    rows = (row for row in candidates(subject, kind) if row.full_name != DEFAULTS[kind])
    return [row.full_name for row in rows if not (row.plugin and row.plugin.unavailable)]


def _values(subject: Subject, names: Mapping[str, str], *, small: bool) -> dict[str, dict[str, Any]]:
    """Options by section: those that were given, and sizes that make the subject's partners quick."""
    values: dict[str, dict[str, Any]] = {}
    asked = {kind: names.get(kind, DEFAULTS[kind]) for kind in ("model", "vocoder")}
    for section in DEFAULTS:
        own_values = subject.options.get(section, {})
        plugin = subject.registry.plugin(section, names.get(section, DEFAULTS[section]))
        fields = plugin.options.__dataclass_fields__  # type: ignore[attr-defined]  # the registry has seen to that
        suggested = suggestions(subject.registry, asked, section)
        defaults = {} if section == subject.kind or not small else SMALL.get(section, {})
        chosen = {n: v for n, v in defaults.items() if n in fields and n not in suggested}
        values[section] = {**chosen, **{n: v for n, v in own_values.items() if n in fields or section == subject.kind}}
    return values
