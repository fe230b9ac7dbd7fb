"""Verbs that write runs: `train` a model, `train_vocoder` for a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genvae.errors import OptionError
from genvae.progress import Listener, listening
from genvae.verbs.given import names_of, open_run, open_store

if TYPE_CHECKING:
    from genvae.clips.store import ClipStore
    from genvae.plugin.registry import Registry
    from genvae.run import Run


def train(
    store: ClipStore | Path | str,
    run: Path | str,
    *,
    minutes: float | None = None,
    epochs: float | None = None,
    steps: int | None = None,
    preset: str | None = None,
    transform: str | None = None,
    model: str | None = None,
    prior: str | None = None,
    vocoder: str | None = None,
    options: Mapping[str, Any] | None = None,
    source: Run | Path | str | None = None,
    attributes: Iterable[str] | None = None,
    seed: int | None = None,
    device: str = "auto",
    resume: bool = False,
    progress: bool | Listener = True,
    registry: Registry | None = None,
) -> Run:
    """Train a model on a store's clips, and write a run that can generate.

    Args:
        store: a clip store, or its folder.
        run: the folder to write: new, or with `resume` a run that was stopped.
        minutes: train for so many minutes, validation and all; 30 if no budget is given.
        epochs: train for so many passes over the clips.
        steps: train for so many batches; 0 with a `source` keeps its weights, and fits the prior to them anew.
        preset: quick, default or best: a budget of 5, 30 or 120 minutes with options that suit it.
        transform: plugin of the front end from waveforms to features; `stft` by default.
        model: plugin of the variational autoencoder; `flow-vae` by default.
        prior: plugin of the distribution over latents; `local` by default.
        vocoder: plugin from spectrograms to waveforms; `pghi-refined` by default.
        options: of the parts and of the training, such as `{"model.latent_dim": 64, "train.batch_size": 32}`.
        source: a trained run to begin with, or `pretrained`; genres may be others.
        attributes: names of what the store keeps of clips beyond their genre, such as `["loudness", "tempo"]`, of which
            the model is told, so that the run can be asked for them; by default those of the source, or none.
        seed: of all that is drawn; 0 by default.
        device: a Lightning accelerator: auto, cpu, cuda, mps.
        resume: continue a run that was stopped, with its own options.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.
        registry: where plugins come from; None for what is installed.

    Raises:
        OptionError: an option or a budget that can't be.
        PluginError: a plugin is missing, or failed.
        SpecMismatch: two parts do not fit.
        StoreError: the store has no training clips.
        RunError: the folder holds a run already, there is nothing to resume, or the loss is not finite any more.
        Interrupted: SIGINT or SIGTERM came; a checkpoint was written, from which `resume` goes on.
    """
    from genvae.plugin.options import by_section
    from genvae.plugin.registry import installed
    from genvae.training.extras import sections
    from genvae.training.job import JOB_SECTIONS, new_job, resume_job
    from genvae.training.loop import train as run_training
    from genvae.training.plan import Budget
    from genvae.training.presets import PRESETS

    clips, registry = open_store(store), registry or installed()
    plugins = {"transform": transform, "model": model, "prior": prior, "vocoder": vocoder}
    named = {section: name for section, name in plugins.items() if name is not None}
    budget = Budget(steps, epochs, minutes) if (steps, epochs, minutes) != (None, None, None) else None
    if resume:
        if named or options or seed is not None or preset or source is not None or attributes is not None:
            raise OptionError(
                "`resume` goes on with the run's own options: leave `options`, `attributes`, `seed`, `preset`, "
                "`source` and the plugins' names out."
            )
        job = resume_job(Path(run), clips, budget, registry=registry)
    else:
        if preset is not None and preset not in PRESETS:
            raise OptionError(f"There is no preset {preset!r}: `preset` is {', '.join(PRESETS)}.")
        chosen = PRESETS[preset or "default"]
        job = new_job(
            Path(run),
            clips,
            plugins=named,
            values=by_section(options or {}, [*JOB_SECTIONS, *sections(registry)]),
            budget=budget or chosen.budget,
            seed=seed or 0,
            preset=chosen.values,
            source=None if source is None else open_run(source),
            attributes=names_of(attributes),
            registry=registry,
        )
    with listening(progress) as listener:
        return run_training(job, clips, device=device, listener=listener)


def train_vocoder(
    store: ClipStore | Path | str,
    run: Path | str,
    *,
    source: Run | Path | str | None = None,
    start: Run | Path | str | None = None,
    vocoder: str | None = None,
    minutes: float | None = None,
    epochs: float | None = None,
    steps: int | None = None,
    options: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str = "auto",
    resume: bool = False,
    progress: bool | Listener = True,
    registry: Registry | None = None,
) -> Run:
    """Train a vocoder for a run, and write another run that has that one's parts and this vocoder.

    Args:
        store: a clip store, or its folder; not necessarily the one that the run was trained on.
        run: the folder to write: new, or with `resume` a run that was stopped.
        source: the trained run; None for the pretrained one.
        start: a trained run, or `pretrained`, whose vocoder is the one to begin with.
        vocoder: plugin of a vocoder that learns; by default that of `start`, or the run's own, which goes on from what
            it has learnt.
        minutes: train for so many minutes, validation and all; 30 if no budget is given.
        epochs: train for so many passes over the clips.
        steps: train for so many batches; 0, with `start`, takes that run's vocoder as it is.
        options: of the vocoder and of the training, such as `{"vocoder.width": 64, "train.batch_size": 32}`.
        seed: of all that is drawn; 0 by default.
        device: a Lightning accelerator: auto, cpu, cuda, mps.
        resume: continue a run that was stopped, with its own options.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.
        registry: where plugins come from; None for what is installed.

    Raises:
        OptionError: an option or a budget that can't be, or a vocoder that has nothing to learn.
        PluginError: a plugin is missing, or failed.
        SpecMismatch: the vocoder does not fit the run's features.
        StoreError: the store has no training clips.
        RunError: the folder holds a run already, there is nothing to resume, the source is unfinished or unlike the
            store, or the vocoder of `start` does not fit.
        Interrupted: SIGINT or SIGTERM came; a checkpoint was written, from which `resume` goes on.
    """
    from genvae.plugin.options import by_section
    from genvae.plugin.registry import installed
    from genvae.training.extras import sections
    from genvae.training.job import resume_job
    from genvae.training.loop import train as run_training
    from genvae.training.plan import Budget
    from genvae.training.presets import PRESETS
    from genvae.training.vocoder_job import VOCODER_JOB_SECTIONS, new_vocoder_job

    clips, registry = open_store(store), registry or installed()
    budget = Budget(steps, epochs, minutes) if (steps, epochs, minutes) != (None, None, None) else None
    if resume:
        if vocoder is not None or options or seed is not None or source is not None or start is not None:
            raise OptionError(
                "`resume` goes on with the run's own options: leave `options`, `seed`, `source`, `start` and `vocoder` "
                "out."
            )
        job = resume_job(Path(run), clips, budget, registry=registry)
    else:
        job = new_vocoder_job(
            Path(run),
            clips,
            open_run(source),
            budget=budget or PRESETS["default"].budget,
            start=None if start is None else open_run(start),
            vocoder=vocoder,
            values=by_section(options or {}, [*VOCODER_JOB_SECTIONS, *sections(registry)]),
            seed=seed or 0,
            registry=registry,
        )
    with listening(progress) as listener:
        return run_training(job, clips, device=device, listener=listener)
