"""What `genvae` does, as functions: load a run, prepare a store, train, evaluate. The command line is their client."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from contextlib import nullcontext
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genvae.errors import GenvaeError, OptionError, RunError
from genvae.places import is_remote, place
from genvae.progress import Listener, Message, listening, tracked

if TYPE_CHECKING:
    from genvae.clips.store import ClipStore
    from genvae.latents.map import LatentMap
    from genvae.metrics.table import EvaluationTable
    from genvae.onnx_export import Exported, ExportPart
    from genvae.plugin.registry import Registry
    from genvae.run import Run
    from genvae.synthesis.sound import Clip
    from genvae.synthesis.synthesizer import Synthesizer

WORST = 5
"""Clips of each genre that an evaluation writes as the worst."""
RUN_VARIABLE = "GENVAE_RUN"
"""The environment variable that may name the run to use by default."""

PRETRAINED = "pretrained"
"""The name of the run that comes with genvae, wherever a run's folder may stand."""


def open_run(run: Run | Path | str | None = None) -> Run:
    """Open a run without loading its weights.

    Args:
        run: the folder, or the file that `pack` wrote; None for the one that the environment variable GENVAE_RUN
            names, else for the run that comes with genvae, which is also called `pretrained`. A run is passed on.

    Raises:
        RunError: there is none, or its description is damaged.
    """
    from genvae.pretrained import pretrained_run
    from genvae.run import Run

    if isinstance(run, Run):
        return run
    run = run or os.environ.get(RUN_VARIABLE) or None
    if run is None or (str(run) == PRETRAINED and not Path(run).exists()):
        return Run(pretrained_run())
    if not Path(run).exists() and get_close_matches(str(run), [PRETRAINED, "embedded", "default"], cutoff=0.8):
        raise RunError(f"There is no run {str(run)!r}. The one that comes with genvae is called {PRETRAINED!r}.")
    if Path(run).is_file():
        from genvae.packing import unpack

        return unpack(Path(run))
    return Run(Path(run))


def open_store(store: ClipStore | Path | str) -> ClipStore:
    """Open a clip store; one that is open is passed on.

    Raises:
        StoreError: there is none, or it is unfinished or damaged.
    """
    from genvae.clips.store import ClipStore

    return store if isinstance(store, ClipStore) else ClipStore.open(store)


def load(
    run: Run | Path | str | None = None,
    *,
    vocoder: str | None = None,
    options: Mapping[str, Any] | None = None,
    registry: Registry | None = None,
) -> Synthesizer:
    """Load a trained run to make sounds with it.

    Args:
        run: its folder or packed file; by default the one that GENVAE_RUN names, else the run that comes with genvae.
        vocoder: the plugin to use in place of the run's own.
        options: of the vocoder, such as `{"vocoder.iterations": 64}`.
        registry: where plugins come from; None for what is installed.

    Raises:
        RunError: there is no such run, or it is unfinished or damaged.
        PluginError: a plugin that it needs is missing.
        OptionError: the vocoder refuses an option.

    >>> import genvae
    >>> genvae.load().generate("techno", seed=42)
    Clip('techno', seed=42, index=0, seconds=1)
    """
    from genvae.plugin.options import by_section
    from genvae.plugin.registry import installed
    from genvae.synthesis.synthesizer import Synthesizer

    opened, registry = open_run(run), registry or installed()
    values = by_section(options or {}, ["vocoder"])["vocoder"]
    if vocoder is None and not values:
        return Synthesizer(opened, registry)
    other = opened.config.with_vocoder(registry, vocoder or opened.config.vocoder.name, values)
    return Synthesizer(opened, registry, vocoder=other.vocoder)


def prepare(
    sources: Path | str | Iterable[Path | str],
    store: Path | str,
    *,
    dataset: str = "genvae:folder",
    options: Mapping[str, Any] | None = None,
    sample_rate: int = 22050,
    clip_ms: int = 1000,
    silence_db: float = -60.0,
    validation: float = 0.1,
    attributes: Iterable[str] = (),
    workers: int | None = None,
    executor: Executor | str | None = None,
    shard: str | None = None,
    progress: bool | Listener = True,
    registry: Registry | None = None,
) -> ClipStore:
    """Chop recordings into clips, in a store on disk.

    Only recordings that are new or changed are decoded. Interrupted anywhere and called again, it ends in the same
    bytes. What can't be read is skipped, counted and named in the store's `report`.

    Args:
        sources: what the dataset takes, one or several; for `folder` folders that hold one folder a genre.
        store: the folder to write; new, or a store to bring up to date.
        dataset: the plugin that lists the recordings.
        options: of the dataset, such as `{"dataset.recordings": 2}`.
        sample_rate: of the clips, in Hz.
        clip_ms: length of a clip, in milliseconds.
        silence_db: clips whose peak is below it are left out, in dB of full scale.
        validation: share of each genre's recordings that is held out.
        attributes: names of what is to be kept of each clip beyond its genre: `loudness` and `tempo`, which are found
            in the sound, and what the dataset's recordings say. A store goes on keeping what it keeps.
        workers: processes; None for one a core. They read the script that calls this, so it needs
            `if __name__ == "__main__":`.
        executor: runs the work in their place, one task a recording: `local:N`, `dask://HOST:PORT`, or any Executor;
            one of threads needs nothing of the script.
        shard: `i/N` for part i of N of the recordings, as a batch system's jobs prepare them, each into a store of its
            own; `merge_stores` joins them.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.
        registry: where plugins come from; None for what is installed.

    Raises:
        GenvaeError: a source that can't be used, no recording in any, or no worker process can start.
        OptionError: an option has a value that it does not take.
        PluginError: there is no such dataset, or it failed.
        StoreError: `store` is something else, was prepared with other settings or from other sources, or is in use.
        ClusterError: the executor can't be reached, or was lost; called again, it goes on.
    """
    from genvae.clips.executors import executor_named
    from genvae.clips.parts import Part
    from genvae.clips.prepare import prepare as prepare_store
    from genvae.clips.report import held_out
    from genvae.clips.store import ClipStore
    from genvae.clips.work import Settings
    from genvae.plugin.declarations import DatasetPlugin
    from genvae.plugin.options import by_section
    from genvae.plugin.registry import installed

    registry = registry or installed()
    named = sources if isinstance(sources, Iterable) and not isinstance(sources, str) else [sources]
    roots = [place(source) for source in named]
    values = by_section(options or {}, ["dataset"])["dataset"]
    plugin = registry.plugin("dataset", dataset)
    assert isinstance(plugin, DatasetPlugin)  # the registry has checked what each hook yields
    settings = Settings(
        dataset=plugin.name,
        sample_rate=sample_rate,
        clip_ms=clip_ms,
        silence_db=silence_db,
        validation=validation,
        items=plugin.items,
    )
    datasets = [registry.make("dataset", dataset, values, root) for root in roots]
    part = None if shard is None else Part.parse(shard)
    if isinstance(executor, str) and workers is not None:
        raise OptionError("`workers` are processes of our own, and `executor` says who works: leave one of them out.")
    with listening(progress) as listener:
        who = executor_named(executor, listener) if isinstance(executor, str) else nullcontext((executor, workers))
        with who as (pool, processes):
            prepared = prepare_store(
                datasets,
                place(store),
                settings,
                attributes=_names(attributes) or (),
                executor=pool,
                workers=processes,
                part=part,
                listener=listener,
            )
        if prepared.removed:
            listener(Message("No longer in the sources, so taken out: " + ", ".join(prepared.removed)))
        if part is None and (warning := held_out(prepared.report, validation)):
            listener(Message(warning))
        changed = prepared.decoded or prepared.removed or prepared.measured
        what = f"{store}" if part is None else f"{store}, which is part {part}"
        listener(Message(f"Prepared {what}" if changed else f"Nothing to do for {what}"))
    return ClipStore.open(store)


def merge_stores(
    parts: Iterable[Path | str],
    store: Path | str,
    *,
    progress: bool | Listener = True,
    registry: Registry | None = None,
) -> ClipStore:
    """Join the parts that `prepare` with `shard` has made, to the store that one preparation of all would have made.

    Args:
        parts: the folders of all parts, in any order.
        store: the folder to write; new, or a store to bring up to date, whose recordings stay in their splits.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.
        registry: where plugins come from; None for what is installed.

    Raises:
        StoreError: a part is missing, unfinished, damaged or of another store; or `store` is something else.
        PluginError: no plugin knows the items.
    """
    from genvae.clips.merge import merge
    from genvae.clips.report import held_out
    from genvae.clips.store import ClipStore
    from genvae.plugin.registry import installed

    with listening(progress) as listener:
        merged = merge([place(part) for part in parts], place(store), registry or installed(), listener=listener)
        if merged.removed:
            listener(Message("No longer in the parts, so taken out: " + ", ".join(merged.removed)))
        opened = ClipStore.open(store)
        if warning := held_out(merged.report, opened.settings["validation"]):
            listener(Message(warning))
        listener(Message(f"Joined the parts in {store}"))
    return opened


def export_webdataset(
    store: ClipStore | Path | str,
    folder: Path | str,
    *,
    per_tar: int = 1000,
    progress: bool | Listener = True,
    registry: Registry | None = None,
) -> list[Path]:
    """Write a store's clips as WebDataset: tar files with a wav and a JSON file for each clip.

    Args:
        store: a clip store, or its folder.
        folder: new or empty.
        per_tar: how many clips a file holds.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.
        registry: where plugins come from; None for what is installed.

    Returns:
        the files, `SPLIT-NUMBER.tar`.

    Raises:
        StoreError: there is no such store, it is damaged, or the folder holds something.
        PluginError: no plugin knows the items.
    """
    from genvae.clips.webdataset import export_webdataset as export
    from genvae.plugin.registry import installed

    opened = open_store(store)
    (registry or installed()).require_items(opened.items)
    with listening(progress) as listener:
        return export(opened, place(folder), per_tar=per_tar, listener=listener)


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
        steps: train for so many batches.
        preset: quick, default or best: a budget of 5, 30 or 120 minutes with options that suit it.
        transform: plugin of the front end from waveforms to features; `stft` by default.
        model: plugin of the variational autoencoder; `flow-vae` by default.
        prior: plugin of the distribution over latents; `gmm` by default.
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
            attributes=_names(attributes),
            registry=registry,
        )
    with listening(progress) as listener:
        return run_training(job, clips, device=device, listener=listener)


def train_vocoder(
    store: ClipStore | Path | str,
    run: Path | str,
    *,
    source: Run | Path | str | None = None,
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
        vocoder: plugin of a vocoder that learns; by default the run's own, which goes on from what it has learnt.
        minutes: train for so many minutes, validation and all; 30 if no budget is given.
        epochs: train for so many passes over the clips.
        steps: train for so many batches.
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
        RunError: the folder holds a run already, there is nothing to resume, or the source is unfinished or unlike the
            store.
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
        if vocoder is not None or options or seed is not None or source is not None:
            raise OptionError(
                "`resume` goes on with the run's own options: leave `options`, `seed`, `source` and `vocoder` out."
            )
        job = resume_job(Path(run), clips, budget, registry=registry)
    else:
        job = new_vocoder_job(
            Path(run),
            clips,
            open_run(source),
            budget=budget or PRESETS["default"].budget,
            vocoder=vocoder,
            values=by_section(options or {}, [*VOCODER_JOB_SECTIONS, *sections(registry)]),
            seed=seed or 0,
            registry=registry,
        )
    with listening(progress) as listener:
        return run_training(job, clips, device=device, listener=listener)


def evaluate(
    run: Run | Path | str | None,
    store: ClipStore | Path | str,
    *,
    clips: int = 120,
    seed: int = 0,
    generated: Path | str | None = None,
    baseline: Run | Path | str | None = None,
    candidates: int = 1,
    seconds: float | None = None,
    worst: Path | str | None = None,
    progress: bool | Listener = True,
    registry: Registry | None = None,
) -> EvaluationTable:
    """Measure how good a run's clips are, beside real ones of recordings that it never saw, and baselines.

    docs/evaluation.md says what each number means. It takes some minutes.

    Args:
        run: a trained run; None for the pretrained one.
        store: the one that it was trained on, for its unseen recordings.
        clips: of each genre, at most.
        seed: of the clips, and of what is drawn to measure them.
        generated: a folder with sound files in a folder for each genre, to be measured in place of new clips.
        baseline: a run for a row to compare with.
        candidates: with more than one, a row of clips each of which is the best of so many.
        seconds: also measure whether sounds of so many seconds hold together.
        worst: a folder into which the generated clips that are farthest from real ones are written.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.
        registry: where plugins come from; None for what is installed.

    Returns:
        a dict of all numbers, which prints as tables.

    Raises:
        RunError: the run is unfinished, or its clips are of another rate or length than the store's.
        GenvaeError: the run makes no sounds, or the store holds too few unseen recordings.
        AudioError: a file in `generated` can't be read.
        OSError: a file in `worst` can't be written.
    """
    from genvae.metrics.clip_files import read_clips, write_worst
    from genvae.metrics.evaluation import Evaluation
    from genvae.metrics.report import as_json, continuity_json, continuity_table, tables, worst_table
    from genvae.metrics.table import EvaluationTable
    from genvae.plugin.registry import installed

    opened = open_run(run)
    _require_sounds(opened, registry or installed())
    held = open_store(store)
    with listening(progress) as listener:
        _warn_of_other_store(opened, held, listener)
        evaluation = Evaluation(
            opened,
            registry or installed(),
            held,
            generated=None if generated is None else read_clips(Path(generated), opened.config.genres, held),
            baseline=None if baseline is None else open_run(baseline),
            candidates=candidates,
            clips=clips,
            seed=seed,
        )
        if evaluation.judge.clips < clips:
            listener(Message(f"Only {evaluation.judge.clips} clips of each genre can be compared."))
        rows = [evaluation.row(name) for name in tracked(list(evaluation.sources), "measuring", listener)]
        values, shown = as_json(evaluation, rows), tables(evaluation, rows)
        if seconds is not None:
            continuities = evaluation.continuities(seconds)
            values["continuity"] = continuity_json(seconds, continuities)
            shown.append(continuity_table(seconds, continuities))
        if worst is not None:
            oddities = write_worst(evaluation, Path(worst), WORST)
            values["worst"] = [str(path) for path, _ in oddities]
            shown.append(worst_table(oddities))
    return EvaluationTable(values, shown)


def make_critic(
    run: Run | Path | str | None, store: ClipStore | Path | str, *, progress: bool | Listener = True
) -> Path:
    """Learn from a store's training clips what `genvae generate --candidates` chooses by, and keep it in the run.

    Args:
        run: a trained run; None for the pretrained one.
        store: the one that it was trained on.
        progress: True shows messages, False is silence; else what is called with each `Message`.

    Returns:
        the file that was written.

    Raises:
        GenvaeError: the run makes no sounds.
    """
    from genvae.metrics.critic import Critic
    from genvae.metrics.embedder import default_embedder
    from genvae.plugin.registry import installed

    opened = open_run(run)
    _require_sounds(opened, installed())
    held = open_store(store)
    with listening(progress) as listener:
        _warn_of_other_store(opened, held, listener)
    Critic.of_store(held, opened.config.genres, default_embedder()).save(opened.critic_path)
    return opened.critic_path


def make_map(
    run: Run | Path | str,
    method: str = "pca",
    *,
    store: ClipStore | Path | str | None = None,
    seed: int = 0,
    progress: bool | Listener = True,
    registry: Registry | None = None,
) -> LatentMap:
    """Project a run's training clips to 2-D, and keep the map in the run.

    Args:
        run: a trained run.
        method: `pca`, the plane in which the clips vary most, or `umap`, which keeps neighbours together.
        store: the one that it was trained on, for a run without latents of its clips.
        seed: of UMAP.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.
        registry: where plugins come from; None for what is installed.

    Raises:
        RunError: the run holds no latents, or was trained on another store.
        GenvaeError: there are too few clips for UMAP.
    """
    from genvae.latents.encode import encode_store
    from genvae.latents.fit import make_map as fit_map
    from genvae.plugin.registry import installed

    opened = open_run(run)
    with listening(progress) as listener:
        if store is not None and not opened.latents_path.exists():
            encode_store(opened, open_store(store), registry or installed(), listener=listener)
        return fit_map(opened, method, seed=seed, listener=listener)


def regenerate(file: Path | str, run: Run | Path | str | None = None, *, registry: Registry | None = None) -> Clip:
    """Make a generated clip again from what its file says.

    Args:
        file: a wav, flac or ogg file that a run made.
        run: the run that made it; by default the pretrained one.
        registry: where plugins come from; None for what is installed.

    Raises:
        AudioError: the file does not say what made it.
        RunError: another run made it.
    """
    from genvae.pipeline import PartConfig
    from genvae.synthesis import provenance
    from genvae.synthesis.synthesizer import Synthesizer

    made_by, opened = provenance.read(Path(file)), open_run(run)
    if (digest := opened.digest()) != made_by.run:
        which = (
            "the pretrained run is" if run is None and not os.environ.get(RUN_VARIABLE) else f"{opened.path} is the run"
        )
        raise RunError(f"{file} was made by the run {made_by.run}, but {which} {digest}. Name the right `run`.")
    return Synthesizer(opened, registry, vocoder=PartConfig(**made_by.vocoder)).remake(made_by)


def verify(path: Path | str, run: Run | Path | str | None = None, *, registry: Registry | None = None) -> list[str]:
    """Read a run, a clip store or a generated file whole, and compare it with what was written down of it.

    A store's clips are compared with the digests of their shards, a run's files with its seal, and a generated file
    with what its run makes once more.

    Args:
        path: of a run, a clip store, or a generated wav, flac or ogg file.
        run: that made the file; by default the pretrained one.
        registry: where plugins come from; None for what is installed.

    Returns:
        what is damaged, a sentence each.

    Raises:
        GenvaeError: there is nothing of the kind, or so little is left that it can't be opened.
    """
    from genvae.audio.encode import format_of
    from genvae.clips.store import ClipStore
    from genvae.run import Run

    path = place(path)
    if is_remote(path):  # where only stores lie
        return list(ClipStore.open(path).damaged())
    if (path / "pipeline.json").is_file():
        return Run(path).verify()
    if (path / "store.json").is_file():
        return list(ClipStore.open(path).damaged())
    if not path.is_file():
        raise GenvaeError(f"{path} is no run, no clip store and no generated file.")
    clip = regenerate(path, run, registry=registry)
    if clip.encode(format_of(path)) == path.read_bytes():
        return []
    return [f"{path} holds other bytes than its run makes here."]


def export_onnx(
    run: Run | Path | str | None,
    path: Path | str,
    *,
    part: ExportPart = "decoder",
    mean: bool = False,
    registry: Registry | None = None,
) -> Exported:
    """Write a part of a run as ONNX, compared with torch in every genre before it is written.

    Args:
        run: a trained run; None for the pretrained one.
        path: of the file.
        part: `decoder`, from a latent to features; `spectrogram`, from a genre to what a vocoder takes; `waveform`,
            from a latent to sound, with a phase reconstruction of its own.
        mean: of the decoder the mean alone, which draws nothing.
        registry: where plugins come from; None for what is installed.

    Raises:
        GenvaeError: what this needs is not installed, or the run draws in a way that no input can stand for.
    """
    from genvae import onnx_export
    from genvae.plugin.registry import installed

    return onnx_export.export_onnx(open_run(run), registry or installed(), Path(path), part=part, mean=mean)


def pack(run: Run | Path | str | None, path: Path | str) -> list[str]:
    """Write a trained run as one file, which `load` takes in place of a folder; the same run gives the same bytes.

    Args:
        run: a trained run; None for the default one.
        path: of the file, such as `run.genvae`.

    Returns:
        the names of the files that it holds.

    Raises:
        RunError: the run's training has not ended.
        OSError: the file can't be written.
    """
    from genvae.packing import pack as write

    return write(open_run(run), Path(path))


def _names(names: Iterable[str] | None) -> list[str] | None:
    """Names of attributes; one alone may be given as a text."""
    return None if names is None else [names] if isinstance(names, str) else list(names)


def _require_sounds(run: Run, registry: Registry) -> None:
    """Refuse to measure what is no sound, and name what measures it.

    Raises:
        GenvaeError: the run makes other items.
        PluginError: no installed plugin knows them.
    """
    from genvae.items import Sounds, kind_of

    registry.require_items(run.config.items)
    kind = kind_of(run.config.items, sample_rate=run.config.sample_rate, clip_samples=run.config.clip_samples)
    if not isinstance(kind, Sounds):
        instead = f" Run instead: {kind.measured_by}" if kind.measured_by else ""
        raise GenvaeError(f"`genvae evaluate` measures sounds, and {run.path} makes a {kind.name}.{instead}")


def _warn_of_other_store(run: Run, store: ClipStore, listener: Listener) -> None:
    if run.data.get("store") != store.digest:
        text = (
            f"{run.path} was not trained on {store.path} as it is now. It may know the recordings that it is compared "
            "with, and its training clips may be others."
        )
        listener(Message(text, warning=True))
