"""PipelineConfig: one typed description of a whole pipeline; Pipeline: its parts, built and checked together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from typing import Any, Self, TypeVar, get_type_hints

import torch
from torch import Tensor, nn

from genvae.attributes import MOST_ATTRIBUTES, Attribute
from genvae.errors import Cure, OptionError, PluginError, RunError, SpecMismatch
from genvae.interfaces.model import Model, Posterior
from genvae.interfaces.prior import Prior
from genvae.interfaces.transform import Transform
from genvae.interfaces.vocoder import Vocoder
from genvae.items import kind_of
from genvae.plugin import options
from genvae.plugin.declarations import SOUNDS, ModelPlugin, TransformPlugin, VocoderPlugin
from genvae.plugin.discovery import PluginRow
from genvae.plugin.guard import guarded
from genvae.plugin.option import Asset
from genvae.plugin.registry import Registry
from genvae.plugin.requirement import pip_install
from genvae.returned import require_posterior, require_tensor
from genvae.spec import FeatureSpec

Given = TypeVar("Given")

SECTIONS = ("transform", "model", "prior", "vocoder")
DEFAULTS = {
    "transform": "genvae:stft",
    "model": "genvae:flow-vae",
    "prior": "genvae:local",
    "vocoder": "genvae:pghi-refined",
}
"""With their distribution, so that a stranger's plugin of the same name changes nothing where none is asked for."""
_LONGEST_CLIP = 384_000 * 600  # samples: what `prepare` allows


@dataclass(frozen=True, kw_only=True)
class PartConfig:
    """One plugin of a pipeline.

    Attributes:
        plugin: its name.
        distribution: that brings it.
        version: of that distribution.
        options: every one of them, by name.
    """

    plugin: str
    distribution: str
    version: str
    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        if not all(isinstance(text, str) for text in (self.plugin, self.distribution, self.version)):
            raise TypeError("the name of a plugin, its distribution or its version is no text")
        if not isinstance(self.options, Mapping):  # a run's description may be damaged
            raise TypeError(f"the options of {self.plugin!r} are not named values")

    @property
    def name(self) -> str:
        """`distribution:plugin`, which finds it whatever else is installed."""
        return f"{self.distribution}:{self.plugin}"

    @classmethod
    def of(cls, registry: Registry, kind: str, name: str, values: Mapping[str, Any]) -> Self:
        """The part that a plugin makes with some options given and the others at their defaults.

        Raises:
            PluginError: there is no such plugin here.
            OptionError: it refuses an option.
        """
        row = registry.row(kind, name)
        chosen = options.build(row.usable().options, values, where=kind)
        plain = {**options.to_json(chosen), **options.assets(chosen)}
        return cls(plugin=row.name, distribution=row.distribution, version=row.version, options=plain)


@dataclass(frozen=True, kw_only=True)
class PipelineConfig:
    """Everything that determines a pipeline but its weights.

    Attributes:
        sample_rate: in Hz; 0 where the items are no sounds.
        clip_samples: samples in a clip; of other items the length of their last axis.
        genres: in the order of their indices.
        transform: the front end.
        model: the autoencoder.
        prior: the distribution over its latents.
        vocoder: from spectrograms to waveforms.
        items: the kind of items.
        attributes: what the model is told of clips beyond their genre.
    """

    sample_rate: int
    clip_samples: int
    genres: tuple[str, ...]
    transform: PartConfig
    model: PartConfig
    prior: PartConfig
    vocoder: PartConfig
    items: str = SOUNDS
    attributes: tuple[Attribute, ...] = ()

    @classmethod
    def assemble(
        cls,
        registry: Registry,
        *,
        sample_rate: int,
        clip_samples: int,
        genres: Iterable[str],
        plugins: Mapping[str, str] | None = None,
        values: Mapping[str, Mapping[str, Any]] | None = None,
        items: str = SOUNDS,
        attributes: Iterable[Attribute] = (),
    ) -> Self:
        """Describe a pipeline from plugin names by section and option values by section, all of them optional.

        What the model or else the vocoder suggests for other sections holds where `values` says nothing.

        Raises:
            PluginError: a plugin is missing, or no plugin knows the items.
        """
        registry.require_items(items)
        kind = kind_of(items, sample_rate=sample_rate, clip_samples=clip_samples)
        names = {**DEFAULTS, **kind.parts, **(plugins or {})}
        merged: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
        for section in SECTIONS:
            option_types = get_type_hints(registry.plugin(section, names[section]).options)
            suggested = suggestions(registry, names, section)  # some plugins have no such option
            merged[section].update({name: value for name, value in suggested.items() if name in option_types})
            merged[section].update((values or {}).get(section, {}))
        parts = {section: PartConfig.of(registry, section, names[section], merged[section]) for section in SECTIONS}
        return cls(
            sample_rate=sample_rate,
            clip_samples=clip_samples,
            genres=tuple(genres),
            items=items,
            attributes=tuple(attributes),
            **parts,
        )

    def with_vocoder(self, registry: Registry, name: str, values: Mapping[str, Any]) -> Self:
        """The same pipeline with another vocoder, or with the same one's options changed."""
        name = registry.row("vocoder", name).full_name
        own_options = self.vocoder.options if name == self.vocoder.name else {}
        return replace(self, vocoder=PartConfig.of(registry, "vocoder", name, {**own_options, **values}))

    def largest_option(self) -> tuple[str, int]:
        """The largest whole number that an option or a clip has, with its name: what a hostile description is told by.

        >>> part = PartConfig(plugin="a", distribution="b", version="1", options={"latent_dim": 40_000})
        >>> parts = dict.fromkeys(SECTIONS, part)
        >>> PipelineConfig(sample_rate=8000, clip_samples=4000, genres=("a",), **parts).largest_option()
        ('transform.latent_dim', 40000)
        """
        numbers = {"clip_samples": self.clip_samples, "sample_rate": self.sample_rate}
        for section in SECTIONS:
            options = getattr(self, section).options
            numbers |= {f"{section}.{name}": value for name, value in options.items() if type(value) is int}
        name = max(numbers, key=numbers.__getitem__)
        return name, numbers[name]

    @property
    def files(self) -> list[Asset]:
        """The files that options name, of a pipeline that is to be made."""
        parts: list[PartConfig] = [getattr(self, section) for section in SECTIONS]
        return [value for part in parts for value in part.options.values() if isinstance(value, Asset)]

    def to_json(self) -> dict[str, Any]:
        """The description as plain values; what only sounds have, and that items are sounds, is left out elsewhere."""
        unsaid = {"items" if self.items == SOUNDS else "sample_rate", "attributes"}
        plain = {name: value for name, value in asdict(self).items() if name not in unsaid}
        return plain | ({"attributes": [each.to_json() for each in self.attributes]} if self.attributes else {})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The description that `to_json` gave.

        Raises:
            RunError: something is missing or has the wrong type.
        """
        try:
            parts = {section: PartConfig(**value[section]) for section in SECTIONS}
            config = cls(
                sample_rate=int(value["sample_rate"]) if value.get("items", SOUNDS) == SOUNDS else 0,
                clip_samples=int(value["clip_samples"]),
                genres=tuple(map(str, value["genres"])),
                items=str(value.get("items", SOUNDS)),
                attributes=tuple(map(Attribute.from_json, value.get("attributes", ()))),
                **parts,
            )
            names = {each.name for each in config.attributes}
            if len(names) < len(config.attributes) or len(names) > MOST_ATTRIBUTES:
                raise ValueError("an attribute is named twice, or there are too many")
            rates = [config.sample_rate] if config.items == SOUNDS else []
            if min(*rates, config.clip_samples, len(config.genres)) < 1:
                raise ValueError("its sample_rate, clip_samples or genres are of no use")
            if config.clip_samples > _LONGEST_CLIP or len(set(config.genres)) < len(config.genres):
                raise ValueError("its clip_samples are too many, or a genre is named twice")
            return config
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
            raise RunError(f"The pipeline's description is damaged: {type(error).__name__}: {error}") from error


class Pipeline(nn.Module):
    """The parts of a pipeline, built, with the handshake between their specs done.

    Attributes:
        config: what determines it but its weights.
        kind: of the items that it takes and makes.
        transform: waveforms -> features, and back.
        model: features -> latents -> features.
        prior: latents of a genre.
        vocoder: spectrograms -> waveforms.
    """

    transform: Transform
    model: Model
    prior: Prior
    vocoder: Vocoder

    def __init__(
        self, config: PipelineConfig, *, transform: Transform, model: Model, prior: Prior, vocoder: Vocoder
    ) -> None:
        super().__init__()
        self.config = config
        self.kind = kind_of(config.items, sample_rate=config.sample_rate, clip_samples=config.clip_samples)
        self.transform, self.model, self.prior, self.vocoder = transform, model, prior, vocoder

    @classmethod
    def build(cls, config: PipelineConfig, registry: Registry, *, new: Collection[str] = SECTIONS) -> Self:
        """Make every part with untrained weights, drawn from torch's global generator.

        Args:
            config: what to make.
            registry: where the plugins come from.
            new: sections whose first weights are to hold, so that files which their options name must be there; those
                of other parts will be replaced.

        Raises:
            PluginError: a plugin is missing; the message says which distribution brings it.
            SpecMismatch: two parts don't fit; the message names the field.
            OptionError: the model takes no attributes, and is to be told of some.
        """
        _require_files(registry, config, new)
        _require_items(registry, config)
        transform = _make(registry, config, "transform", sample_rate=config.sample_rate)
        spec = _attribute(config.transform, transform, "spec", FeatureSpec, "the FeatureSpec of its features")
        _require_attributes(registry, config)
        known = {"attributes": config.attributes} if config.attributes else {}
        frames = spec.frames(config.clip_samples)
        model = _make(registry, config, "model", spec=spec, frames=frames, genres=config.genres, **known)
        latent_dim = _attribute(config.model, model, "latent_dim", int, "a whole number")
        prior = _make(registry, config, "prior", latent_dim=latent_dim, genres=config.genres)
        vocoder = _make_vocoder(registry, config, transform)
        return cls(config, transform=transform, model=model, prior=prior, vocoder=vocoder)

    def with_vocoder(self, registry: Registry, vocoder: PartConfig) -> Pipeline:
        """The same parts with another vocoder, set to inference; its first weights come from torch's global generator.

        Raises:
            PluginError: it is missing, or must learn first.
            SpecMismatch: it doesn't fit.
        """
        require_learnt(registry, vocoder)
        config = replace(self.config, vocoder=vocoder)
        _require_files(registry, config, ["vocoder"])
        new_vocoder = _make_vocoder(registry, config, self.transform).eval()
        return Pipeline(config, transform=self.transform, model=self.model, prior=self.prior, vocoder=new_vocoder)

    def features(self, waves: Tensor) -> Tensor:
        """Waveforms [B, samples], or other items, -> features [B, bins, frames]."""
        spec = self.transform.spec
        with self.using("transform", "computing features"):
            shape = (len(waves), spec.bins, spec.frames(waves.shape[-1]))
            return require_tensor(self.transform(waves), shape, self.transform.forward, "features")

    def posterior(self, features: Tensor, genre: Tensor) -> Posterior:
        """Features [B, bins, frames] of genres [B] -> the posterior over their latents."""
        with self.using("model", "encoding"):
            posterior = self.model.encode(features, genre)
            return require_posterior(posterior, len(features), self.model.latent_dim, self.model.encode)

    def decoded(self, z: Tensor, genre: Tensor, **more: Any) -> Tensor:
        """Latents [B, latent_dim] as genres [B] -> features [B, bins, frames]; `more` goes to the model's `decode`."""
        spec = self.transform.spec
        with self.using("model", "decoding"):
            shape = (len(z), spec.bins, spec.frames(self.config.clip_samples))
            return require_tensor(self.model.decode(z, genre, **more), shape, self.model.decode, "features")

    def spectrogram(self, features: Tensor) -> Tensor:
        """Features [B, bins, frames] -> what the transform's inverse gives, in the units of its spec."""
        with self.using("transform", "inverting features"):
            return require_tensor(self.transform.invert(features), features.shape, self.transform.invert, "values")

    def sound(self, features: Tensor, *, length: int, generator: torch.Generator | None = None) -> Tensor:
        """Features [B, bins, frames] -> waveforms [B, length], through the transform's inverse and the vocoder."""
        return self.vocode(self.spectrogram(features), length=length, generator=generator)

    def vocode(self, spectrogram: Tensor, *, length: int, generator: torch.Generator | None = None) -> Tensor:
        """What the transform's inverse gives, [B, bins, frames] of any number of frames -> waveforms [B, length].

        Items that are no sounds are what the inverse gives; the vocoder `identity` passes them on.
        """
        spectrogram = self.for_vocoder(spectrogram)
        with self.using("vocoder", "making a waveform"):
            wave = self.vocoder(spectrogram, length=length, generator=generator)
            what, shape = ("waveforms", (length,)) if self.config.items == SOUNDS else ("items", self.kind.shape)
            return require_tensor(wave, (len(spectrogram), *shape), self.vocoder.forward, what)

    def for_vocoder(self, spectrogram: Tensor) -> Tensor:
        """What the transform's inverse gives, [B, bins, frames], in the units of the vocoder's spec."""
        if self.vocoder.spec == self.transform.spec:
            return spectrogram
        with self.using("transform", "making magnitudes"):
            return self.transform.magnitudes(spectrogram)

    def using(self, section: str, doing: str) -> AbstractContextManager[None]:
        """A block that runs code of one part: what that raises becomes a line that names the plugin."""
        part: PartConfig = getattr(self.config, section)
        return guarded(
            f"The {section} {part.plugin!r} of {part.distribution} failed while {doing}",
            type(getattr(self, section)).__module__,
        )


def suggestions(registry: Registry, names: Mapping[str, str], section: str) -> dict[str, Any]:
    """The values that declarations suggest for the options of a section (or of `train`).

    Args:
        registry: where the plugins come from.
        names: of those that are asked, by kind: a model's suggestions go before a vocoder's.
        section: whose options are meant.
    """
    found: dict[str, Any] = {}
    for kind in ("vocoder", "model"):
        plugin = registry.plugin(kind, names[kind]) if kind in names else None
        if isinstance(plugin, ModelPlugin | VocoderPlugin):
            pairs = ((target.partition("."), value) for target, value in plugin.suggests.items())
            found |= {name: value for (where, _, name), value in pairs if where == section}
    return found


def require_learnt(registry: Registry, part: PartConfig) -> None:
    """Check that a vocoder whose weights no run holds can do without, or has them from a file.

    Raises:
        PluginError: it makes sound only once it is trained.
    """
    row = _row(registry, "vocoder", part)
    plugin = row.usable()
    chosen = options.build(plugin.options, part.options, where="vocoder", stored=True)
    if isinstance(plugin, VocoderPlugin) and plugin.learns and not options.assets(chosen):
        raise PluginError(
            f"The vocoder {part.plugin!r} must learn before it makes sound, and no run holds its weights as it is "
            "asked for here: train it for a run, and use that one.",
            cure=Cure.of("train_vocoder", store="STORE", source="RUN", vocoder=row.short_name, run="NEW"),
        )


def _attribute(part: PartConfig, part_object: object, name: str, kind: type[Given], what: str) -> Given:
    """An attribute that a part must have set.

    Raises:
        PluginError: it has not, or not to what it should be.
    """
    value: object = getattr(part_object, name, None)
    if not isinstance(value, kind):
        problem = "is missing" if value is None else f"is {value!r}"
        where = f"{type(part_object).__module__}.{type(part_object).__qualname__}.__init__"
        raise PluginError(
            f"{part.plugin!r} of {part.distribution} can't be used: its {name}, {what}, {problem}. "
            f"Set self.{name} in {where}."
        )
    return value


def _require_items(registry: Registry, config: PipelineConfig) -> None:
    """Check that a pipeline's transform takes its items.

    Raises:
        SpecMismatch: it takes others.
        PluginError: no installed plugin knows the items.
    """
    registry.require_items(config.items)
    identity = ("transform", config.transform.plugin, config.transform.distribution)
    for row in registry.declared():
        plugin = row.plugin if (row.kind, row.name, row.distribution) == identity else None
        if isinstance(plugin, TransformPlugin) and plugin.items != config.items:
            raise SpecMismatch(f"The transform {row.name!r} takes {plugin.items}, but the items are {config.items}.")


def _require_attributes(registry: Registry, config: PipelineConfig) -> None:
    """Check that a model that is to be told of attributes takes them.

    Raises:
        OptionError: it does not.
    """
    if not config.attributes or takes_attributes(_row(registry, "model", config.model)):
        return
    able = [row.name for row in registry.declared() if row.kind == "model" and takes_attributes(row)]
    raise OptionError(
        f"The model {config.model.plugin!r} takes no `attributes`. Those that do: {', '.join(able) or 'none'}."
    )


def takes_attributes(row: PluginRow) -> bool:
    """Whether a model declares that it can be told of attributes."""
    return isinstance(row.plugin, ModelPlugin) and row.plugin.attributes


def _make_vocoder(registry: Registry, config: PipelineConfig, transform: Transform) -> Vocoder:
    """The vocoder for what the transform's `invert` gives, or where it refuses that, for its `magnitudes`.

    Raises:
        SpecMismatch: it refuses both, or serves other rates.
    """
    require_rate(_row(registry, "vocoder", config.vocoder), config.sample_rate)
    try:
        vocoder: Vocoder = _make(registry, config, "vocoder", spec=transform.spec)
    except SpecMismatch as first:
        if transform.magnitude_spec is None:
            raise
        try:
            vocoder = _make(registry, config, "vocoder", spec=transform.magnitude_spec)
        except SpecMismatch as second:
            raise SpecMismatch(f"{first} Nor do its magnitudes fit: {second}") from second
    return vocoder


def require_rate(vocoder: PluginRow, sample_rate: int) -> None:
    """Check that a vocoder's declaration has a rate among those that it serves, if it names any.

    Raises:
        SpecMismatch: it has not.
    """
    plugin = vocoder.usable()
    if isinstance(plugin, VocoderPlugin) and plugin.sample_rates and sample_rate not in plugin.sample_rates:
        served = " or ".join(map(str, plugin.sample_rates))
        raise SpecMismatch(
            f"The vocoder {vocoder.name!r} needs features with sample_rate = {served}, but here it is {sample_rate}."
        )


def _require_files(registry: Registry, config: PipelineConfig, sections: Iterable[str]) -> None:
    """Check that the files which options name are there, and not only what a run says of them.

    Raises:
        PluginError: one is not.
    """
    for section in sections:
        part: PartConfig = getattr(config, section)
        chosen = options.build(_row(registry, section, part).usable().options, part.options, where=section, stored=True)
        for name, file in options.assets(chosen).items():
            if file.path is None:
                raise PluginError(
                    f"The {section} {part.plugin!r} of {part.distribution} is to be made with {file}, which is not "
                    f"here: give {section}.{name} that file."
                )


def _make(registry: Registry, config: PipelineConfig, section: str, **context: Any) -> Any:
    part: PartConfig = getattr(config, section)
    row = _row(registry, section, part)
    chosen = options.build(row.usable().options, part.options, where=section, stored=True)
    return registry.make(section, row.full_name, chosen, **context)


def _row(registry: Registry, section: str, part: PartConfig) -> PluginRow:
    """The row of a part.

    Raises:
        PluginError: it is missing; the message says which distribution brings it.
    """
    try:
        return registry.row(section, part.name)
    except PluginError as error:
        theirs = [r for r in registry.rows if r.distribution == part.distribution]
        if any(r.plugin is None or (r.kind, r.name) == (section, part.plugin) for r in theirs):
            raise  # it is installed, and the message says why it can't be used
        state = f"the one that is installed, {theirs[0].version}, does not bring" if theirs else "is not installed"
        command = pip_install(part.distribution, part.version) and pip_install(
            part.distribution, part.version if theirs else None
        )
        if part.distribution.endswith(".py") and part.distribution[:-3].isidentifier() and part.version.isalnum():
            state = "is a file that was not named"
            cure = f"Name it with: --plugin {part.distribution}"
        elif command is None:  # the text of whoever wrote the run, which must not become a command
            raise PluginError(
                f"This pipeline needs the {section} {part.plugin!r} of {part.distribution!r} {part.version!r}, which "
                "is no name and version of a distribution."
            ) from error
        else:
            cure = f"Install it with: {command}"
        raise PluginError(
            f"This pipeline needs the {section} {part.plugin!r} {part.version} of {part.distribution}, which {state}. "
            f"{cure}"
        ) from error
