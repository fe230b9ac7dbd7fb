"""How good the sound is: clips compared with real ones, and a whole run measured; docs/evaluation.md explains.

embedder, statistics    what turns clips into points: the members that compare
space, halves           where points are compared, and with which half of the real recordings
distances, neighbours, two_sample, comparison    the numbers of one set of clips
judge, committee        a store's held-out recordings as references; what the members say together
stages, baselines, evaluation, report    the rows of a whole table
sinkhorn, worst         which clips are farthest from real ones, and why
continuity              whether longer sounds hold together
novelty, training_clips whether clips are new
critic, candidates      choosing among clips
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genvae.metrics.comparison import Comparison as Comparison
    from genvae.metrics.comparison import Estimate as Estimate
    from genvae.metrics.comparison import Rating as Rating
    from genvae.metrics.comparison import compare as compare
    from genvae.metrics.embedder import Embedder as Embedder
    from genvae.metrics.embedder import default_embedder as default_embedder
    from genvae.metrics.evaluation import Evaluation as Evaluation
    from genvae.metrics.judge import Judge as Judge
    from genvae.metrics.statistics import SignalStatistics as SignalStatistics

_HOME = {
    "genvae.metrics.comparison": ("Comparison", "Estimate", "Rating", "compare"),
    "genvae.metrics.embedder": ("Embedder", "default_embedder"),
    "genvae.metrics.evaluation": ("Evaluation",),
    "genvae.metrics.judge": ("Judge",),
    "genvae.metrics.statistics": ("SignalStatistics",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = list(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(_MODULE_OF[name]), name)
    raise AttributeError(f"module 'genvae.metrics' has no attribute {name!r}")
