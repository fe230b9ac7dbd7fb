"""genvae: a plugin-based generative audio toolkit. The public names, each imported on first use.

    import genvae

    model = genvae.load()
    clip = model.generate("techno", seed=42)
    clip.save("kick.flac")

docs/python.md shows the rest; docs/plugins is for those who write plugins.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genvae.attributes import Attribute as Attribute
    from genvae.attributes import attribute_dim as attribute_dim
    from genvae.clips.store import ClipStore as ClipStore
    from genvae.errors import GenvaeError as GenvaeError
    from genvae.errors import ItemError as ItemError
    from genvae.interfaces.callback import Callback as Callback
    from genvae.interfaces.callback import Training as Training
    from genvae.interfaces.dataset import Dataset as Dataset
    from genvae.interfaces.dataset import Recording as Recording
    from genvae.interfaces.dataset import SoundStream as SoundStream
    from genvae.interfaces.embedder import Embedder as Embedder
    from genvae.interfaces.metric import Metric as Metric
    from genvae.interfaces.model import Model as Model
    from genvae.interfaces.model import Posterior as Posterior
    from genvae.interfaces.prior import Prior as Prior
    from genvae.interfaces.schedule import Schedule as Schedule
    from genvae.interfaces.training_step import TrainingStep as TrainingStep
    from genvae.interfaces.transform import Transform as Transform
    from genvae.interfaces.vocoder import Vocoder as Vocoder
    from genvae.items import ItemKind as ItemKind
    from genvae.plugin.declarations import CallbackPlugin as CallbackPlugin
    from genvae.plugin.declarations import DatasetPlugin as DatasetPlugin
    from genvae.plugin.declarations import EmbedderPlugin as EmbedderPlugin
    from genvae.plugin.declarations import MetricPlugin as MetricPlugin
    from genvae.plugin.declarations import ModelPlugin as ModelPlugin
    from genvae.plugin.declarations import PriorPlugin as PriorPlugin
    from genvae.plugin.declarations import SchedulePlugin as SchedulePlugin
    from genvae.plugin.declarations import TransformPlugin as TransformPlugin
    from genvae.plugin.declarations import VocoderPlugin as VocoderPlugin
    from genvae.plugin.hookspecs import hookimpl as hookimpl
    from genvae.plugin.option import Asset as Asset
    from genvae.plugin.option import Option as Option
    from genvae.progress import Message as Message
    from genvae.progress import Progress as Progress
    from genvae.run import Run as Run
    from genvae.run_listing import RunSummary as RunSummary
    from genvae.run_listing import list_runs as list_runs
    from genvae.spec import FeatureSpec as FeatureSpec
    from genvae.synthesis.sound import Clip as Clip
    from genvae.synthesis.sound import Reconstruction as Reconstruction
    from genvae.synthesis.synthesizer import Synthesizer as Synthesizer
    from genvae.synthesis.vocode import vocode as vocode
    from genvae.verbs import evaluate as evaluate
    from genvae.verbs import export_onnx as export_onnx
    from genvae.verbs import export_webdataset as export_webdataset
    from genvae.verbs import load as load
    from genvae.verbs import make_critic as make_critic
    from genvae.verbs import make_map as make_map
    from genvae.verbs import merge_stores as merge_stores
    from genvae.verbs import pack as pack
    from genvae.verbs import prepare as prepare
    from genvae.verbs import regenerate as regenerate
    from genvae.verbs import train as train
    from genvae.verbs import train_preference as train_preference
    from genvae.verbs import train_vocoder as train_vocoder
    from genvae.verbs import verify as verify

__version__ = "0.1.0"

_HOME = {
    "genvae.attributes": ("Attribute", "attribute_dim"),
    "genvae.interfaces.callback": ("Callback", "Training"),
    "genvae.interfaces.schedule": ("Schedule",),
    "genvae.interfaces.embedder": ("Embedder",),
    "genvae.interfaces.metric": ("Metric",),
    "genvae.interfaces.model": ("Model", "Posterior"),
    "genvae.interfaces.prior": ("Prior",),
    "genvae.interfaces.training_step": ("TrainingStep",),
    "genvae.interfaces.transform": ("Transform",),
    "genvae.interfaces.vocoder": ("Vocoder",),
    "genvae.interfaces.dataset": ("Dataset", "Recording", "SoundStream"),
    "genvae.errors": ("GenvaeError", "ItemError"),
    "genvae.items": ("ItemKind",),
    "genvae.plugin.hookspecs": ("hookimpl",),
    "genvae.plugin.option": ("Asset", "Option"),
    "genvae.plugin.declarations": (
        "CallbackPlugin",
        "DatasetPlugin",
        "EmbedderPlugin",
        "MetricPlugin",
        "ModelPlugin",
        "PriorPlugin",
        "SchedulePlugin",
        "TransformPlugin",
        "VocoderPlugin",
    ),
    "genvae.clips.store": ("ClipStore",),
    "genvae.progress": ("Message", "Progress"),
    "genvae.run": ("Run",),
    "genvae.run_listing": ("RunSummary", "list_runs"),
    "genvae.spec": ("FeatureSpec",),
    "genvae.synthesis.sound": ("Clip", "Reconstruction"),
    "genvae.synthesis.synthesizer": ("Synthesizer",),
    "genvae.synthesis.vocode": ("vocode",),
    "genvae.verbs": (
        "evaluate",
        "export_onnx",
        "export_webdataset",
        "load",
        "make_critic",
        "make_map",
        "merge_stores",
        "pack",
        "prepare",
        "regenerate",
        "train",
        "train_preference",
        "train_vocoder",
        "verify",
    ),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module 'genvae' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
