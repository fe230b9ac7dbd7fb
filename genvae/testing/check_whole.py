"""The check of a whole pipeline: steps of training with the plugin, then a clip from the run in a new process."""

from __future__ import annotations

import atexit
import contextlib
import io
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from genvae.clips.prepare import prepare
from genvae.clips.store import ClipStore
from genvae.clips.work import Settings
from genvae.interfaces.dataset import Dataset
from genvae.plugin.declarations import SOUNDS, DatasetPlugin, NoOptions
from genvae.testing import fresh
from genvae.testing.check import check
from genvae.testing.check_datasets import source_of
from genvae.testing.failure import expect
from genvae.testing.items import ExampleItems
from genvae.testing.partners import pipeline_with
from genvae.testing.sounds import ExampleDataset
from genvae.testing.subject import Subject
from genvae.testing.vocoder_setup import learns, rate_of

RATE = 8000
CLIP_MS = 512  # 4096 samples


@check
def trains_and_generates(subject: Subject) -> None:
    """Two steps of training, also of a vocoder that learns, then a clip in a new process without the dataset plugin."""
    from genvae.run import Run
    from genvae.training.extras import Extras
    from genvae.training.job import Job, describe_run
    from genvae.training.loop import train
    from genvae.training.plan import Budget, TrainOptions
    from genvae.training.vocoder_job import new_vocoder_job

    store = ClipStore.open(_store(subject, rate_of(subject, RATE)))
    pipeline = pipeline_with(
        subject,
        sample_rate=store.sample_rate,
        clip_samples=store.clip_samples,
        genres=store.genres,
        items=store.items,
    )
    if pipeline.config.items != store.items:
        store = ClipStore.open(_example_store(pipeline.config.items, RATE))
    chosen = {subject.kind: subject.name}
    options = TrainOptions(
        batch_size=4,
        warmup_steps=0,
        validation_clips=2,
        shift=store.items == SOUNDS,
        schedule=chosen.get("schedule", TrainOptions().schedule),
        callbacks=(chosen["callback"],) if "callback" in chosen else (),
    )
    extras = Extras.of(subject.registry, options, {subject.row.name: subject.options.get(subject.kind, {})})
    budget = Budget(steps=2)
    off = {"GENVAE_DISABLE": subject.name} if subject.kind == "dataset" else {}
    files = [subject.row.origin] if subject.row.distribution.endswith(".py") and not subject.paths else []
    with tempfile.TemporaryDirectory(prefix="genvae-check-") as folder:
        run = Path(folder) / "run"
        spec = pipeline.transform.spec
        create = partial(describe_run, run, store, pipeline.config, spec, budget, seed=0, extras=extras)
        with contextlib.redirect_stderr(io.StringIO()):
            job = Job(run, pipeline.config, create, subject.registry, options, budget, seed=0, extras=extras)
            train(job, store, device="cpu")
        expect(Run(run).finished, "a run that is finished after two steps", "no weights")
        if subject.kind == "vocoder" and learns(subject):
            taught = Path(folder) / "taught"
            values = {"train": {"batch_size": 4, "warmup_steps": 0, "validation_clips": 2, "callbacks": ()}}
            with contextlib.redirect_stderr(io.StringIO()):
                job = new_vocoder_job(taught, store, Run(run), budget=budget, values=values, registry=subject.registry)
                train(job, store, device="cpu")
            run = taught
        shape = fresh.call(
            "genvae.testing.check_whole:generate",
            {"run": str(run), "genre": store.genres[0], "files": files},
            paths=subject.paths,
            environment=off,
        )
    expected = list(store.item_shape)
    expect(shape == expected, f"a clip of shape {expected} from the run", f"{shape}")


def generate(run: str, genre: str, files: list[str]) -> list[int]:
    """The shape of a clip that a run makes, [samples], in the process that calls this."""
    from genvae.plugin.registry import installed, use_file
    from genvae.run import Run
    from genvae.synthesis.synthesizer import Synthesizer

    for file in files:
        use_file(Path(file))
    return list(Synthesizer(Run(Path(run)), installed()).generate(genre, seed=0, index=0).wave.shape)


def _store(subject: Subject, rate: int) -> Path:
    """A store of clips: of the dataset that is checked, or for other plugins of the example at that rate."""
    if subject.kind != "dataset":
        return _example_store(SOUNDS, rate)
    out = subject.folder("store") / "store"
    items = subject.plugin.items if isinstance(subject.plugin, DatasetPlugin) else SOUNDS
    _prepare(subject.make(source_of(subject)), out, subject.row.name, items, RATE)
    return out


@cache
def _example_store(items: str, rate: int) -> Path:
    folder = tempfile.TemporaryDirectory(prefix="genvae-check-")
    atexit.register(folder.cleanup)
    out = Path(folder.name) / "store"
    dataset = ExampleDataset(NoOptions(), Path("example")) if items == SOUNDS else ExampleItems(items)
    _prepare(dataset, out, "example", items, rate)
    return out


def _prepare(dataset: Dataset, out: Path, name: str, items: str, rate: int) -> None:
    settings = Settings(dataset=name, validation=0.3, items=items)
    if items == SOUNDS:
        settings = replace(settings, sample_rate=rate, clip_ms=CLIP_MS)
    with ThreadPoolExecutor(1) as executor:
        report = prepare([dataset], out, settings, executor=executor).report
    clips = report["clips"]["kept"]
    expect(clips >= 4, "at least four clips from the dataset's recordings", f"{clips}; {report.get('skipped', '')}")
