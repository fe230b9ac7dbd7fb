"""The options of a run's parts and of its training, with what they mean, for those who look at a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from genvae.pipeline import SECTIONS
from genvae.plugin import options
from genvae.plugin.registry import Registry
from genvae.run import Run
from genvae.training.plan import TrainOptions
from genvae.web.schema import OptionInfo


def part_options(run: Run, registry: Registry) -> list[OptionInfo]:
    """Each option of the run's parts in their order, then those of its training, with the values that made the run.

    Raises:
        PluginError: a plugin that the run names is missing.
    """
    parts = [(section, getattr(run.config, section)) for section in SECTIONS]
    described = [
        each
        for section, part in parts
        for each in _described(section, registry.plugin(section, part.name).options, part.options)
    ]
    trained = run.training.get("options")  # a run of somebody else may say anything
    return described + (_described("train", TrainOptions, trained) if isinstance(trained, Mapping) else [])


def _described(section: str, cls: type, values: Mapping[str, Any]) -> list[OptionInfo]:
    return [
        OptionInfo(
            name=f"{section}.{each.name}",
            value=_text(values[each.name]) if each.name in values else each.default,
            meaning=each.meaning,
            takes=each.type,
        )
        for each in options.describe(cls)
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)
