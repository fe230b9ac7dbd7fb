"""What a training takes beside a pipeline: the schedule of its learning rate, and callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from genvae.errors import PluginError
from genvae.pipeline import PartConfig
from genvae.plugin.registry import Registry
from genvae.training.plan import TrainOptions

KINDS = ("schedule", "callback")


@dataclass(frozen=True)
class Extras:
    """The plugins that a training uses, with all of their options.

    Attributes:
        schedule: of the learning rate.
        callbacks: in the order in which they are told.
    """

    schedule: PartConfig
    callbacks: tuple[PartConfig, ...]

    @classmethod
    def of(
        cls, registry: Registry, chosen: TrainOptions, values: Mapping[str, Mapping[str, Any]] | None = None
    ) -> Self:
        """Those that options of the training name.

        Args:
            registry: where plugins come from.
            chosen: the training's options.
            values: of the plugins' options, in sections that are called as they are.

        Raises:
            PluginError: there is no such plugin; a callback that nobody asked for may be missing.
            OptionError: it refuses an option.
        """

        def part(kind: str, name: str) -> PartConfig:
            return PartConfig.of(registry, kind, name, (values or {}).get(name.rpartition(":")[2], {}))

        callbacks = []
        for name in chosen.callbacks:
            try:
                callbacks.append(part("callback", name))
            except PluginError:
                if chosen.callbacks != TrainOptions().callbacks:
                    raise
        return cls(part("schedule", chosen.schedule), tuple(callbacks))

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return {"schedule": asdict(self.schedule), "callbacks": [asdict(each) for each in self.callbacks]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """What `to_json` gave; raises KeyError or TypeError for anything else."""
        return cls(PartConfig(**value["schedule"]), tuple(PartConfig(**each) for each in value["callbacks"]))


def sections(registry: Registry) -> list[str]:
    """The sections of options that schedules and callbacks have: their names."""
    return sorted({row.name for row in registry.declared() if row.kind in KINDS and row.plugin})
