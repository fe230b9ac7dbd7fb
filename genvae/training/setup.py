"""Describing a new run, or finding again how an old one is to be continued."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from genvae import options
from genvae.clips.store import ClipStore
from genvae.errors import RunError
from genvae.pipeline import SECTIONS, Pipeline, PipelineConfig, model_suggestions
from genvae.registry import Registry, installed
from genvae.run import Run
from genvae.spec import FeatureSpec
from genvae.training.plan import Budget, TrainOptions


@dataclass(frozen=True)
class Job:
    """All that the training loop asks for but the store and the device.

    path: the run's folder. create: writes the description of a new run, called by the first of several processes;
    None if a run is to be continued.
    """

    path: Path
    create: Callable[[], Run] | None
    registry: Registry
    options: TrainOptions
    budget: Budget
    seed: int


def started(
    path: Path, store: ClipStore, plugins: Mapping[str, str], assignments: Iterable[str], budget: Budget, *, seed: int
) -> Job:
    """Check what is to be a new run; nothing is written yet.

    Raises:
        OptionError, PluginError, SpecMismatch: see `Pipeline.build`. RunError: the folder holds a run already.
    """
    registry = installed()
    values = options.parse_assignments(assignments, (*SECTIONS, "train"))
    config = PipelineConfig.assemble(
        registry, sample_rate=store.sample_rate, clip_samples=store.clip_samples, genres=store.genres,
        plugins=plugins, values=values,
    )  # fmt: skip
    suggested = model_suggestions(registry, config.model.plugin, "train")
    chosen: TrainOptions = options.build(TrainOptions, {**suggested, **values["train"]}, where="train")
    spec = Pipeline.build(config, registry).transform.spec
    return Job(path, described(path, store, config, spec, chosen, budget, seed=seed), registry, chosen, budget, seed)


def described(
    path: Path, store: ClipStore, config: PipelineConfig, spec: FeatureSpec, chosen: TrainOptions, budget: Budget, *,
    seed: int,
) -> Callable[[], Run]:  # fmt: skip
    """What writes the description of a new run."""
    training = {"seed": seed, "budget": asdict(budget), "options": options.to_json(chosen)}
    data = {
        "store": store.digest,
        "clips": {split: len(store.select(split=split)) for split in ("train", "validation")},
    }
    return partial(Run.create, path, config, spec.to_json(), training, data)


def continued(path: Path, store: ClipStore, budget: Budget | None) -> Job:
    """Find how a run was started; `budget` is in place of its own.

    Raises:
        RunError: there is no such run, it is damaged, or it was trained on another store.
    """
    run = Run(path)
    if run.data.get("store") != store.digest:
        raise RunError(f"{path} was begun on another store than {store.path}, or that has changed since.")
    try:
        chosen: TrainOptions = options.build(TrainOptions, run.training["options"], where="train")
        return Job(
            path, None, installed(), chosen, budget or Budget(**run.training["budget"]), int(run.training["seed"])
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{run.description_path} is damaged: {type(error).__name__}: {error}") from error
