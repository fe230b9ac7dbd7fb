"""Verbs that hear what a run makes: `evaluate`, and `make_critic` and `train_preference`, by which clips are chosen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from genvae.errors import GenvaeError
from genvae.progress import Listener, Message, listening, tracked
from genvae.verbs.given import open_run, open_store

if TYPE_CHECKING:
    from genvae.clips.store import ClipStore
    from genvae.metrics.table import EvaluationTable
    from genvae.plugin.registry import Registry
    from genvae.run import Run

WORST = 5
"""Clips of each genre that an evaluation writes as the worst."""


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
            listener=listener,
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
    """Learn what `genvae generate --candidates` chooses by, from a store's training clips and as many made ones.

    It is kept in the run.

    Args:
        run: a trained run; None for the pretrained one.
        store: the one that it was trained on.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.

    Returns:
        the file that was written.

    Raises:
        GenvaeError: the run makes no sounds.
    """
    from genvae.metrics.candidates import taught
    from genvae.metrics.comparison import default_members
    from genvae.plugin.registry import installed
    from genvae.synthesis.synthesizer import Synthesizer

    opened = open_run(run)
    _require_sounds(opened, installed())
    held = open_store(store)
    with listening(progress) as listener:
        _warn_of_other_store(opened, held, listener)
        taught(held, Synthesizer(opened, installed()), default_members(), listener).save(opened.critic_path)
    return opened.critic_path


def train_preference(
    store: ClipStore | Path | str,
    run: Path | str,
    *,
    source: Run | Path | str | None = None,
    draws: int = 4,
    clips: int = 1200,
    seed: int = 0,
    progress: bool | Listener = True,
    registry: Registry | None = None,
) -> Run:
    """Teach a run's prior which latents make good clips, and write another run that has it and all other parts.

    The run makes clips of latents that its prior draws, a critic hears them (the run's own, or one that learns here
    from the store), and the prior learns to guess from a latent what the critic will say. Of several draws it then
    gives the one that it likes best, at no cost in time. What it prefers holds until it is fitted anew.

    Args:
        store: the one that the run was trained on.
        run: the folder to write.
        source: the trained run; None for the pretrained one.
        draws: latents of which one is taken, 2 or more.
        clips: that are made of each genre, 10 or more.
        seed: of all that is drawn.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.
        registry: where plugins come from; None for what is installed.

    Raises:
        OptionError: the run's prior can't prefer, or a number makes no sense.
        GenvaeError: the run makes no sounds.
        RunError: the folder holds a run already, or the source is unfinished or damaged.
    """
    from genvae.metrics.preferences import teach_preference
    from genvae.plugin.registry import installed

    opened, registry = open_run(source), registry or installed()
    _require_sounds(opened, registry)
    held = open_store(store)
    with listening(progress) as listener:
        _warn_of_other_store(opened, held, listener)
        return teach_preference(
            held, opened, Path(run), registry, draws=draws, clips=clips, seed=seed, listener=listener
        )


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
