"""The check of a whole pipeline: two steps of training with the plugin, then a clip from the run in a new process."""

from __future__ import annotations

import atexit
import contextlib
import io
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

from genvae.clips.prepare import prepare
from genvae.clips.store import ClipStore
from genvae.clips.work import Settings
from genvae.interfaces.dataset import Dataset
from genvae.plugin.declarations import NoOptions
from genvae.testing import fresh
from genvae.testing.check import check
from genvae.testing.check_datasets import source_of
from genvae.testing.failure import expect
from genvae.testing.partners import pipeline_with
from genvae.testing.sounds import ExampleDataset
from genvae.testing.subject import Subject

RATE = 8000
CLIP_MS = 512  # 4096 samples


@check
def trains_and_generates(subject: Subject) -> None:
    """Two steps of training, then a clip in a new process, with the dataset plugin disabled."""
    from genvae.run import Run
    from genvae.training.extras import Extras
    from genvae.training.job import Job, describe_run
    from genvae.training.loop import train
    from genvae.training.plan import Budget, TrainOptions

    store = ClipStore.open(_store(subject))
    pipeline = pipeline_with(
        subject, sample_rate=store.sample_rate, clip_samples=store.clip_samples, genres=store.genres
    )
    chosen = {subject.kind: subject.name}
    options = TrainOptions(
        batch_size=4,
        warmup_steps=0,
        validation_clips=2,
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
        samples = fresh.call(
            "genvae.testing.check_whole:generate",
            {"run": str(run), "genre": store.genres[0], "files": files},
            paths=subject.paths,
            environment=off,
        )
    expect(samples == store.clip_samples, f"a clip of {store.clip_samples} samples from the run", f"{samples}")


def generate(run: str, genre: str, files: list[str]) -> int:
    """The number of samples of a clip that a run makes, in the process that calls this."""
    from genvae.plugin.registry import installed, use_file
    from genvae.run import Run
    from genvae.synthesis.synthesizer import Synthesizer

    for file in files:
        use_file(Path(file))
    return len(Synthesizer(Run(Path(run)), installed()).generate(genre, seed=0, index=0).wave)


def _store(subject: Subject) -> Path:
    """A store of clips: of the dataset that is checked, or for other plugins of the example."""
    if subject.kind != "dataset":
        return _example_store()
    out = subject.folder("store") / "store"
    _prepare(subject.make(source_of(subject)), out, subject.row.name)
    return out


@cache
def _example_store() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="genvae-check-")
    atexit.register(folder.cleanup)
    out = Path(folder.name) / "store"
    _prepare(ExampleDataset(NoOptions(), Path("example")), out, "example")
    return out


def _prepare(dataset: Dataset, out: Path, name: str) -> None:
    settings = Settings(dataset=name, sample_rate=RATE, clip_ms=CLIP_MS, validation=0.3)
    with ThreadPoolExecutor(1) as executor:
        report = prepare([dataset], out, settings, executor=executor).report
    kept = report["clips"]["kept"]
    expect(kept >= 4, "at least four clips from the dataset's recordings", f"{kept}; {report.get('skipped', '')}")
