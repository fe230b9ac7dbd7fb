"""What a plugin declares about itself: light data that is read without importing torch or the plugin's own code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

API = 1
"""Version of the contract between genvae and its plugins."""
SOUNDS = "genvae.items:Sounds"
"""The kind of items where nothing else is said."""


@dataclass(frozen=True)
class NoOptions:
    """For a plugin that has nothing to set."""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """One thing that a distribution adds to genvae.

    Attributes:
        name: what people type, lower case with hyphens.
        summary: one line for `genvae plugins list`.
        factory: `module:Class`, imported on first use.
        options: a frozen dataclass of options, each with a default; its annotations are the types.
        unavailable: says why the plugin can't run on this machine (a missing binary, a library that does not load), or
            None when it can. Called when plugins are listed or used, never at import.
        api: the version of the plugin interface that it was written for.
    """

    kind: ClassVar[str]

    name: str
    summary: str
    factory: str
    options: type = NoOptions
    unavailable: Callable[[], str | None] | None = None
    api: int = API


@dataclass(frozen=True, kw_only=True)
class DatasetPlugin(Plugin):
    """Where recordings and their genres come from; its factory makes a `genvae.Dataset`.

    Attributes:
        items: `module:Class` of the `genvae.ItemKind` that its recordings hold.
    """

    kind = "dataset"

    items: str = SOUNDS


@dataclass(frozen=True, kw_only=True)
class TransformPlugin(Plugin):
    """A front end from waveforms to features; its factory makes a `genvae.Transform`.

    Attributes:
        differentiable: whether gradients pass from features back to the waveform.
        items: `module:Class` of the `genvae.ItemKind` that it takes in place of waveforms.
    """

    kind = "transform"

    differentiable: bool = False
    items: str = SOUNDS


@dataclass(frozen=True, kw_only=True)
class ModelPlugin(Plugin):
    """A variational autoencoder; its factory makes a `genvae.Model`.

    Attributes:
        suggests: values for options of other parts that the model was designed for, such as `{"transform.n_fft": 512}`;
            they hold where the user says nothing.
        conditional: whether the genre changes what it decodes.
        attributes: whether it can be told of attributes of clips, such as their tempo: then its constructor, `loss` and
            `decode` take `attributes`, which a run that knows some gives them.
    """

    kind = "model"

    suggests: Mapping[str, Any] = field(default_factory=dict)
    conditional: bool = True
    attributes: bool = False


@dataclass(frozen=True, kw_only=True)
class PriorPlugin(Plugin):
    """A distribution over a model's latents; its factory makes a `genvae.Prior`.

    Attributes:
        learns: whether `fit` changes it; one that does not is the standard normal, which models are drawn towards.
    """

    kind = "prior"

    learns: bool = True


@dataclass(frozen=True, kw_only=True)
class VocoderPlugin(Plugin):
    """From spectrograms to waveforms; its factory makes a `genvae.Vocoder`.

    Attributes:
        suggests: values for options of other parts that the vocoder was designed for, such as `{"transform.hop": 256}`;
            they hold where neither the user nor the model says anything. Those of `train` are of its own training.
        sample_rates: those that it can serve, in Hz; empty for any.
        learns: whether it makes sound only once `genvae train-vocoder` has trained it for a run.
    """

    kind = "vocoder"

    suggests: Mapping[str, Any] = field(default_factory=dict)
    sample_rates: tuple[int, ...] = ()
    learns: bool = False


@dataclass(frozen=True, kw_only=True)
class SchedulePlugin(Plugin):
    """How the learning rate changes over a training; its factory makes a `genvae.Schedule`."""

    kind = "schedule"


@dataclass(frozen=True, kw_only=True)
class CallbackPlugin(Plugin):
    """What is told how a training goes; its factory makes a `genvae.Callback`."""

    kind = "callback"


@dataclass(frozen=True, kw_only=True)
class EmbedderPlugin(Plugin):
    """What turns clips into points, to compare sets of them; its factory makes a `genvae.Embedder`."""

    kind = "embedder"


@dataclass(frozen=True, kw_only=True)
class MetricPlugin(Plugin):
    """A number for a set of clips; its factory makes a `genvae.Metric`."""

    kind = "metric"


KINDS: Mapping[str, type[Plugin]] = {
    cls.kind: cls
    for cls in (
        DatasetPlugin,
        TransformPlugin,
        ModelPlugin,
        PriorPlugin,
        VocoderPlugin,
        SchedulePlugin,
        CallbackPlugin,
        EmbedderPlugin,
        MetricPlugin,
    )
}
"""Every kind of plugin, in the order of the flow of the data, and behind them those of trainings and evaluations."""
