"""What is to be trained: a new run, or a run's vocoder, described before it is begun; or what was stopped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from genvae.attributes import MOST_ATTRIBUTES, Attribute
from genvae.clips.store import SPLITS, ClipStore
from genvae.errors import Cure, OptionError, RunError, nearest
from genvae.interfaces.model import Model
from genvae.items import kind_of
from genvae.pipeline import DEFAULTS, SECTIONS, PartConfig, Pipeline, PipelineConfig, suggestions
from genvae.plugin import options
from genvae.plugin.declarations import SOUNDS
from genvae.plugin.registry import Registry, installed
from genvae.run import Run
from genvae.spec import FeatureSpec
from genvae.training.extras import Extras
from genvae.training.plan import Budget, TrainOptions

JOB_SECTIONS = (*SECTIONS, "train")
"""Of options: the parts of a pipeline, and the training."""


@dataclass(frozen=True)
class Job:
    """All that the training loop asks for but the store and the device.

    Attributes:
        path: the run's folder.
        config: of the pipeline; that of a new run has the paths of files that options name, its description has not.
        create: writes the description of a new run with the options of its training, called by the first of several
            processes; None to resume one.
        registry: where plugins come from.
        options: of the training.
        budget: how long.
        seed: of all that is drawn.
        source: a trained run whose weights a new one begins with.
        start: a trained run whose vocoder one that is trained begins with; None for the source's.
        extras: the schedule and the callbacks; None for those that the options name.
        section: of the pipeline, that is trained: `model` or `vocoder`.
    """

    path: Path
    config: PipelineConfig
    create: Callable[[TrainOptions], Run] | None
    registry: Registry
    options: TrainOptions
    budget: Budget
    seed: int
    source: Run | None = None
    extras: Extras | None = None
    section: str = "model"
    start: Run | None = None


def new_job(
    path: Path,
    store: ClipStore,
    *,
    budget: Budget,
    plugins: Mapping[str, str] | None = None,
    values: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
    preset: Mapping[str, Mapping[str, Any]] | None = None,
    source: Run | None = None,
    attributes: Collection[str] | None = None,
    registry: Registry | None = None,
) -> Job:
    """Check what is to be a new run; nothing is written yet.

    Args:
        path: the run's folder.
        store: the clips to train on.
        budget: how long.
        plugins: names of plugins by section; the defaults elsewhere.
        values: values of options by section.
        seed: of all that is drawn.
        preset: values of options by section that hold where `values` says nothing, if there are such options.
        source: a trained run to begin with; plugins and options are its own where nothing else is said.
        attributes: names of what the model is told of clips beyond their genre; None for those of the source, or none.
        registry: where plugins come from; None for what is installed.

    Raises:
        OptionError: an option that does not exist or does not take its value, frames longer than a clip, or attributes
            that the store does not keep, the model does not take, or the source does not know.
        PluginError: a plugin is missing.
        SpecMismatch: two parts do not fit.
        RunError: the folder holds a run already, or the source's clips are of another rate or length than the store's.
    """
    if budget.steps == 0 and source is None:
        raise OptionError("No `steps` at all train nothing: they are for a run that begins with another's weights.")
    registry = registry or installed()
    named: dict[str, str] = dict(plugins or {})
    option_values: dict[str, Mapping[str, Any]] = {section: (values or {}).get(section, {}) for section in JOB_SECTIONS}
    if source is not None:
        named, option_values = _inherited(source, store, named, option_values, registry)
    registry.require_items(store.items)
    usually = kind_of(store.items, sample_rate=store.sample_rate, clip_samples=store.clip_samples).parts
    model = named.get("model", usually.get("model", DEFAULTS["model"]))
    option_types = get_type_hints(registry.plugin("model", model).options)
    usual = {name: value for name, value in (preset or {}).get("model", {}).items() if name in option_types}
    option_values = {**option_values, "model": {**usual, **option_values["model"]}}
    config = PipelineConfig.assemble(
        registry,
        sample_rate=store.sample_rate,
        clip_samples=store.clip_samples,
        genres=store.genres,
        plugins=named,
        values=option_values,
        items=store.items,
        attributes=_attributes(store, attributes, source),
    )
    whole = {} if store.items == SOUNDS else {"shift": False}  # only a sound may begin elsewhere in its recording
    suggested = {
        **whole,
        **suggestions(registry, {"model": config.model.name}, "train"),
        **(preset or {}).get("train", {}),
    }
    chosen: TrainOptions = options.build(TrainOptions, {**suggested, **option_values["train"]}, where="train")
    if chosen.augment and store.items != SOUNDS:
        raise OptionError(f"train.augment is for sounds, and {store.path} holds {store.items!r}.")
    extras = made_extras(registry, chosen, values)
    pipeline = Pipeline.build(config, registry, new=new_sections(config, source))
    own_step = type(pipeline.model).training_step is not Model.training_step
    refuse_parts(chosen, "model", config.model, own_step=own_step)
    spec = pipeline.transform.spec
    if store.items == SOUNDS and spec.n_fft > store.clip_samples:
        raise OptionError(
            f"A frame of {spec.n_fft} samples is longer than a clip of {store.path}, which has {store.clip_samples}: "
            f"give a shorter one with `options`, such as transform.n_fft={2 ** (store.clip_samples.bit_length() - 3)}."
        )
    describe = partial(describe_run, path, store, config, spec, budget, seed=seed, source=source, extras=extras)
    return Job(path, config, describe, registry, chosen, budget, seed, source, extras)


def made_extras(registry: Registry, chosen: TrainOptions, values: Mapping[str, Mapping[str, Any]] | None) -> Extras:
    """The schedule and the callbacks of a training, each of which can be made.

    Raises:
        PluginError: one can't, and nothing was written.
    """
    extras = Extras.of(registry, chosen, values)
    for kind, part in (("schedule", extras.schedule), *(("callback", each) for each in extras.callbacks)):
        registry.make(kind, part.name, part.options)
    return extras


def refuse_parts(chosen: TrainOptions, kind: str, part: PartConfig, *, own_step: bool) -> None:
    """Check that a batch is not to be split for a part that takes it as a whole.

    Raises:
        OptionError: it is.
    """
    if chosen.accumulate > 1 and own_step:
        raise OptionError(
            f"train.accumulate: the {kind} {part.plugin!r} has a training step of its own, which takes a "
            "batch as a whole. Leave train.accumulate at 1, and lower train.batch_size instead."
        )


def _attributes(store: ClipStore, names: Collection[str] | None, source: Run | None) -> tuple[Attribute, ...]:
    """What a new run is to know of clips beyond their genre: as the source does, or as the training clips teach it.

    Raises:
        OptionError: the store does not keep it of any training clip, or the source knows others.
    """
    known = () if source is None else source.config.attributes
    if names is None:
        names = [each.name for each in known]
    names = sorted(set(names))
    if source is not None and names != [each.name for each in known]:
        theirs = ", ".join(each.name for each in known) or "none"
        raise OptionError(f"{source.path} was trained with the attributes {theirs}: leave `attributes` out.")
    if len(names) > MOST_ATTRIBUTES:
        raise OptionError(f"`attributes` are {MOST_ATTRIBUTES} at most, not {len(names)}.")
    numbers = store.select(split="train")
    learnt = []
    for name in names:
        kept = store.attributes.get(name)
        if kept is None:
            close = nearest(name, store.attributes)
            raise OptionError(
                f"The store {store.path} keeps no attribute {name!r}. {close}",
                cure=Cure.of("prepare", sources="MUSIC", store=store.path, attributes=name),
            )
        values = kept.values[numbers]
        if np.isnan(values).all():
            raise OptionError(f"Of no training clip of {store.path} the attribute {name!r} is known: leave it out.")
        learnt.append(Attribute.of(name, values, words=kept.words, unit=kept.unit))
    return known or tuple(learnt)


def new_sections(config: PipelineConfig, source: Run | None, trained: str = "model") -> tuple[str, ...]:
    """The sections of a new run whose first weights no other run gives, where `trained` is what is trained."""
    if source is None:
        return SECTIONS
    new = ("prior",) if trained == "model" else ()
    return new if config.vocoder == source.config.vocoder else (*new, "vocoder")


def describe_run(
    path: Path,
    store: ClipStore,
    config: PipelineConfig,
    spec: FeatureSpec,
    budget: Budget,
    chosen: TrainOptions,
    *,
    seed: int,
    source: Run | None = None,
    extras: Extras | None = None,
) -> Run:
    """Write the description of a new run.

    Raises:
        RunError: the folder holds a run or anything else.
        DiskError: it can't be made.
    """
    training = {"seed": seed, "budget": asdict(budget), "options": options.to_json(chosen)}
    if extras is not None:
        training |= extras.to_json()
    if source is not None:
        training["from"] = source.digest()
    data = {
        "store": store.digest,
        "clips": {split: sum(each[split] for each in store.counts().values()) for split in SPLITS},
    }
    if config.attributes:
        data["attributes"] = store.attributes_digest
    return Run.create(path, config, spec.to_json(), training, data)


def _inherited(
    source: Run,
    store: ClipStore,
    plugins: Mapping[str, str],
    values: Mapping[str, Mapping[str, Any]],
    registry: Registry,
) -> tuple[dict[str, str], dict[str, Mapping[str, Any]]]:
    """Names of plugins and values of options, those of the source where nothing else is said.

    Raises:
        PluginError: a plugin is missing.
        RunError: clips of the source and of the store are not alike.
    """
    require_alike(source, store)
    config = source.config
    names: dict[str, str] = {}
    merged: dict[str, Mapping[str, Any]] = dict(values)
    for section in SECTIONS:
        part: PartConfig = getattr(config, section)
        names[section] = registry.row(section, plugins[section]).full_name if section in plugins else part.name
        if names[section] == part.name:
            merged[section] = {**part.options, **merged.get(section, {})}
    merged["train"] = {**source.training["options"], **merged.get("train", {})}
    return names, merged


def require_alike(source: Run, store: ClipStore) -> None:
    """Check that a run makes what a store holds.

    Raises:
        RunError: clips of the two are not alike.
    """
    config = source.config
    if config.items != store.items:
        raise RunError(f"{source.path} makes {config.items!r}, and {store.path} holds {store.items!r}.")
    theirs, ours = (config.sample_rate, config.clip_samples), (store.sample_rate, store.clip_samples)
    if theirs != ours:
        raise RunError(
            f"{source.path} makes clips of {theirs[1]} samples at {theirs[0]} Hz, those of "
            f"{store.path} have {ours[1]} at {ours[0]} Hz: prepare a store for it."
        )


def resume_job(path: Path, store: ClipStore, budget: Budget | None, *, registry: Registry | None = None) -> Job:
    """Find how a run was started, to go on with it.

    Args:
        path: the run's folder.
        store: the one that it was begun on.
        budget: in place of its own.
        registry: where plugins come from; None for what is installed.

    Raises:
        OptionError: the budget is of no steps, and would end a training before it has learnt anything.
        RunError: there is no such run, it is damaged, or it was trained on another store.
    """
    if budget is not None and budget.steps == 0:
        raise OptionError("No `steps` at all resume nothing: leave `steps` out, or give as many as the run is to have.")
    run = Run(path)
    section = "vocoder" if "vocoder" in run.training else "model"
    try:
        training = dict(run.training["vocoder"]) if section == "vocoder" else run.training
        data = training if section == "vocoder" else run.data
        if data.get("store") != store.digest:
            raise RunError(f"{path} was begun on another store than {store.path}, or that has changed since.")
        if section == "model" and run.config.attributes and run.data.get("attributes") != store.attributes_digest:
            raise RunError(f"{store.path} keeps other attributes of its clips than when {path} was begun.")
        chosen: TrainOptions = options.build(TrainOptions, training["options"], where="train")
        own = Budget(**training["budget"])
        extras = Extras.from_json(training) if "callbacks" in training else None
        seed, plugins = int(training["seed"]), registry or installed()
        return Job(path, run.config, None, plugins, chosen, budget or own, seed, extras=extras, section=section)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{run.description_path} is damaged: {type(error).__name__}: {error}") from error
