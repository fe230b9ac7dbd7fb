"""Describing a new run, or finding again how an old one is to be continued."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

from genvae.clips.store import ClipStore
from genvae.errors import RunError
from genvae.pipeline import DEFAULTS, SECTIONS, Part, Pipeline, PipelineConfig, model_suggestions
from genvae.plugin import options
from genvae.plugin.registry import Registry, installed
from genvae.run import Run
from genvae.spec import FeatureSpec
from genvae.training.plan import Budget, TrainOptions


@dataclass(frozen=True)
class Job:
    """All that the training loop asks for but the store and the device.

    path: the run's folder. create: writes the description of a new run, called by the first of several processes;
    None if a run is to be continued. source: a trained run whose weights a new one begins with.
    """

    path: Path
    create: Callable[[], Run] | None
    registry: Registry
    options: TrainOptions
    budget: Budget
    seed: int
    source: Run | None = None


def started(
    path: Path, store: ClipStore, plugins: Mapping[str, str], assignments: Iterable[str], budget: Budget, *, seed: int,
    preset: Mapping[str, Mapping[str, Any]] | None = None, source: Run | None = None,
) -> Job:  # fmt: skip
    """Check what is to be a new run; nothing is written yet.

    Args:
        preset: values of options by section that hold where `assignments` says nothing, if there are such options.
        source: a trained run to begin with; plugins and options are its own where nothing else is said.

    Raises:
        OptionError, PluginError, SpecMismatch: see `Pipeline.build`. RunError: the folder holds a run already, or the
            source's clips are of another rate or length than the store's.
    """
    registry = installed()
    values = options.parse_assignments(assignments, (*SECTIONS, "train"))
    if source is not None:
        plugins, values = _inherited(source, store, plugins, values)
    model = plugins.get("model", DEFAULTS["model"])
    known = get_type_hints(registry.plugin("model", model).options)
    usual = {name: value for name, value in (preset or {}).get("model", {}).items() if name in known}
    values = {**values, "model": {**usual, **values["model"]}}
    config = PipelineConfig.assemble(
        registry, sample_rate=store.sample_rate, clip_samples=store.clip_samples, genres=store.genres,
        plugins=plugins, values=values,
    )  # fmt: skip
    suggested = {**model_suggestions(registry, config.model.plugin, "train"), **(preset or {}).get("train", {})}
    chosen: TrainOptions = options.build(TrainOptions, {**suggested, **values["train"]}, where="train")
    spec = Pipeline.build(config, registry).transform.spec
    create = described(path, store, config, spec, chosen, budget, seed=seed, source=source)
    return Job(path, create, registry, chosen, budget, seed, source)


def described(
    path: Path, store: ClipStore, config: PipelineConfig, spec: FeatureSpec, chosen: TrainOptions, budget: Budget, *,
    seed: int, source: Run | None = None,
) -> Callable[[], Run]:  # fmt: skip
    """What writes the description of a new run."""
    training = {"seed": seed, "budget": asdict(budget), "options": options.to_json(chosen)}
    if source is not None:
        training["from"] = source.digest()
    data = {
        "store": store.digest,
        "clips": {split: len(store.select(split=split)) for split in ("train", "validation")},
    }
    return partial(Run.create, path, config, spec.to_json(), training, data)


def _inherited(
    source: Run, store: ClipStore, plugins: Mapping[str, str], values: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Names of plugins and values of options, those of the source where nothing else is said.

    Raises:
        RunError: clips of the source and of the store are not alike.
    """
    config = source.config
    theirs, ours = (config.sample_rate, config.clip_samples), (store.sample_rate, store.clip_samples)
    if theirs != ours:
        raise RunError(f"{source.path} makes clips of {theirs[1]} samples at {theirs[0]} Hz, those of "
                       f"{store.path} have {ours[1]} at {ours[0]} Hz: prepare a store for it.")  # fmt: skip
    names: dict[str, str] = {}
    merged = {section: dict(own) for section, own in values.items()}
    for section in SECTIONS:
        part: Part = getattr(config, section)
        names[section] = plugins.get(section, part.plugin)
        if names[section] == part.plugin:
            merged[section] = {**part.options, **merged.get(section, {})}
    merged["train"] = {**source.training["options"], **merged.get("train", {})}
    return names, merged


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
