"""How good the sound is: clips compared with real ones, and a whole run measured; docs/evaluation.md explains."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genvae.metrics.comparison import Comparison as Comparison
    from genvae.metrics.comparison import Estimate as Estimate
    from genvae.metrics.comparison import compare as compare
    from genvae.metrics.embedder import Embedder as Embedder
    from genvae.metrics.embedder import default_embedder as default_embedder
    from genvae.metrics.evaluation import Evaluation as Evaluation
    from genvae.metrics.judge import Judge as Judge

_HOME = {
    "genvae.metrics.comparison": ("Comparison", "Estimate", "compare"),
    "genvae.metrics.embedder": ("Embedder", "default_embedder"),
    "genvae.metrics.evaluation": ("Evaluation",),
    "genvae.metrics.judge": ("Judge",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module 'genvae.metrics' has no attribute {name!r}")
