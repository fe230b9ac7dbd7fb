"""The training of a vocoder for a run: a new run that has all of that one's parts, and a vocoder that learns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from genvae.clips.store import ClipStore
from genvae.errors import Cure, OptionError, PluginError, RunError
from genvae.interfaces.vocoder import Vocoder
from genvae.pipeline import Pipeline, PipelineConfig, suggestions
from genvae.plugin import options
from genvae.plugin.declarations import SOUNDS, VocoderPlugin
from genvae.plugin.registry import Registry, installed, load_factory
from genvae.run import Run
from genvae.training.extras import Extras
from genvae.training.inherit import take_vocoder
from genvae.training.job import Job, made_extras, new_sections, refuse_parts, require_alike
from genvae.training.plan import Budget, TrainOptions

VOCODER_JOB_SECTIONS = ("vocoder", "train")
"""Of options."""


def new_vocoder_job(
    path: Path,
    store: ClipStore,
    source: Run,
    *,
    budget: Budget,
    start: Run | None = None,
    vocoder: str | None = None,
    values: Mapping[str, Mapping[str, Any]] | None = None,
    seed: int = 0,
    registry: Registry | None = None,
) -> Job:
    """Check what is to be trained; nothing is written yet.

    Args:
        path: the new run's folder.
        store: the clips to train on.
        source: a trained run, all of whose parts the new one takes over.
        budget: how long.
        start: a trained run whose vocoder, with its options, is the one to begin with.
        vocoder: plugin; None for that of `start`, or the run's own, which begins with what it has learnt already.
        values: values of options by section.
        seed: of all that is drawn.
        registry: where plugins come from; None for what is installed.

    Raises:
        OptionError: an option that does not exist or does not take its value, or a vocoder that doesn't learn.
        PluginError: a plugin is missing.
        SpecMismatch: the vocoder, or that to begin with, does not fit the run's features.
        RunError: the source's training has not ended, or its clips are of another rate or length than the store's; or
            the vocoder to begin with is another one.
    """
    registry, given = registry or installed(), dict(values or {})
    digest = source.digest()
    if budget.steps == 0 and start is None:
        raise OptionError(
            "No `steps` at all train nothing: they are for a vocoder that comes from another run, by `start`."
        )
    if source.config.items != SOUNDS:
        raise OptionError(f"{source.path} makes no sounds, so it has no vocoder to train.")
    began = (start or source).config.vocoder
    name = vocoder or began.name
    row = registry.row("vocoder", name)
    if not trainable(load_factory(row.usable())):
        able = ", ".join(learning(registry))
        raise OptionError(
            f"The `vocoder` {row.name!r} has nothing to learn. {f'These have: {able}.' if able else 'None here has.'}"
        )
    require_alike(source, store)
    if start is not None and row.full_name != began.name:
        raise RunError(f"{start.path} has the vocoder {began.plugin!r}, and no {row.name!r} to begin with.")
    own = {} if start is None else began.options
    config = source.config.with_vocoder(registry, name, {**own, **given.get("vocoder", {})})
    suggested = suggestions(registry, {"vocoder": name}, "train")
    chosen: TrainOptions = options.build(TrainOptions, {**suggested, **given.get("train", {})}, where="train")
    extras = made_extras(registry, chosen, given)
    module = Pipeline.build(config, registry, new=new_sections(config, source, "vocoder")).vocoder
    own_step = type(module).training_step is not Vocoder.training_step
    refuse_parts(chosen, "vocoder", config.vocoder, own_step=own_step)
    if not any(weight.requires_grad for weight in module.parameters()):
        raise PluginError(f"The vocoder {row.name!r} of {row.distribution} has a loss, but no weights to train.")
    origin = {"of": digest}
    if start is not None:
        take_vocoder(module, start, registry)  # which tells before anything is written whether it fits
        origin["from"] = start.digest()
    create = partial(_describe, path, store, config, source, origin, budget, seed=seed, extras=extras)
    return Job(path, config, create, registry, chosen, budget, seed, source, extras, section="vocoder", start=start)


def trainable(factory: object) -> bool:
    """Whether a vocoder's class has a loss of its own."""
    return getattr(factory, "loss", Vocoder.loss) is not Vocoder.loss


def learning(registry: Registry) -> list[str]:
    """The names of the vocoders that learn."""
    names = []
    for name in registry.names("vocoder"):
        try:
            factory = load_factory(registry.plugin("vocoder", name))
        except PluginError:
            continue
        if trainable(factory):
            names.append(name)
    return names


def untrained(registry: Registry, run: Run) -> Cure | None:
    """What trains a run's vocoder, where that must learn and nobody has trained it."""
    row = registry.row("vocoder", run.config.vocoder.name)
    learns = isinstance(row.plugin, VocoderPlugin) and row.plugin.learns
    if not learns or "vocoder" in run.training or "from" in run.training:
        return None
    return Cure.of("train_vocoder", store="STORE", source=run.path, run="NEW")


def _describe(
    path: Path,
    store: ClipStore,
    config: PipelineConfig,
    source: Run,
    origin: Mapping[str, str],
    budget: Budget,
    chosen: TrainOptions,
    *,
    seed: int,
    extras: Extras,
) -> Run:
    """Write the description of the new run, and what of the other one its parts don't hold.

    Raises:
        RunError: the folder holds a run or anything else.
        DiskError: it can't be made.
    """
    training = {
        **origin,
        "seed": seed,
        "budget": asdict(budget),
        "options": options.to_json(chosen),
        **extras.to_json(),
        "store": store.digest,
        "clips": {split: len(store.select(split=split)) for split in ("train", "validation")},
    }
    run = Run.create(path, config, source.spec.to_json(), {**source.training, "vocoder": training}, source.data)
    run.take_from(source)
    return run
