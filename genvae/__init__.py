"""genvae: a plugin-based generative audio toolkit. The public names, each imported on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genvae.api import Model as Model
    from genvae.api import Posterior as Posterior
    from genvae.api import Prior as Prior
    from genvae.api import TrainingStep as TrainingStep
    from genvae.api import Transform as Transform
    from genvae.api import Vocoder as Vocoder
    from genvae.dataset import Dataset as Dataset
    from genvae.dataset import Recording as Recording
    from genvae.dataset import SoundStream as SoundStream
    from genvae.errors import GenvaeError as GenvaeError
    from genvae.hookspecs import hookimpl as hookimpl
    from genvae.plugin import DatasetPlugin as DatasetPlugin
    from genvae.plugin import ModelPlugin as ModelPlugin
    from genvae.plugin import PriorPlugin as PriorPlugin
    from genvae.plugin import TransformPlugin as TransformPlugin
    from genvae.plugin import VocoderPlugin as VocoderPlugin
    from genvae.spec import FeatureSpec as FeatureSpec

__version__ = "0.1.0"

_HOME = {
    "genvae.api": ("Model", "Posterior", "Prior", "TrainingStep", "Transform", "Vocoder"),
    "genvae.dataset": ("Dataset", "Recording", "SoundStream"),
    "genvae.errors": ("GenvaeError",),
    "genvae.hookspecs": ("hookimpl",),
    "genvae.plugin": ("DatasetPlugin", "ModelPlugin", "PriorPlugin", "TransformPlugin", "VocoderPlugin"),
    "genvae.spec": ("FeatureSpec",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = ["__version__", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module 'genvae' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
