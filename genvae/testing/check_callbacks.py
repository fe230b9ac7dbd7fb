"""Checks of callbacks: that a training with one ends as it would without, and that its state survives."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from genvae.interfaces.callback import Callback, Training
from genvae.tensor_files import load_tree, save_tree
from genvae.testing.check import check
from genvae.testing.failure import expect
from genvae.testing.partners import pipeline_with
from genvae.testing.subject import Subject

GENRES = ("one", "two")
VALUES = {"loss": 1.0, "squared_error": 0.5, "kl": 20.0, "distance_db": 9.0, "active_units": 4.0}


def _training(subject: Subject, folder: Path) -> Training:
    pipeline = pipeline_with(subject, sample_rate=8000, clip_samples=3840, genres=GENRES)
    generator = torch.Generator().manual_seed(0)
    return Training(
        folder=folder,
        pipeline=pipeline,
        description={"pipeline": pipeline.config.to_json(), "training": {"seed": 0}},
        step=0,
        progress=0.0,
        seconds=0.0,
        seed=0,
        held_out=lambda genre: 0.1 * torch.randn(2, 3840, generator=generator),
        say=lambda text: None,
    )


def _run_training(subject: Subject, callback: Callback, training: Training, *, steps: int = 3) -> None:
    """Tell it of a small training."""
    callback.on_start(training)
    for step in range(1, steps + 1):
        training.step, training.progress, training.seconds = step, step / steps, float(step)
        callback.on_step(training, {**VALUES, "clips_per_second": 9.0, "seconds": float(step)})
        callback.on_validation(training, {**VALUES, "loss": 1.0 / step})
        callback.on_checkpoint(training)


@check
def hears_a_training(subject: Subject) -> None:
    """It takes all that it may be told, from the start to the finish, and leaves the weights alone until then."""
    with tempfile.TemporaryDirectory(prefix="genvae-check-") as folder:
        training = _training(subject, Path(folder))
        before = {name: value.clone() for name, value in training.pipeline.state_dict().items()}
        callback: Callback = subject.make()
        _run_training(subject, callback, training)
        after = training.pipeline.state_dict()
        changed = [name for name, value in before.items() if not torch.equal(value, after[name])]
        expect(not changed, "weights as they were (but in on_finish)", f"{', '.join(changed[:3])} changed")
        callback.on_finish(training)


@check
def state_survives(subject: Subject) -> None:
    """What it knows goes through a checkpoint: plain values and tensors, and a new one goes on from there."""
    with tempfile.TemporaryDirectory(prefix="genvae-check-") as folder:
        training = _training(subject, Path(folder))
        callback: Callback = subject.make()
        _run_training(subject, callback, training)
        state = callback.state()
        expect(isinstance(state, Mapping), "`state` to return a dict", type(state).__name__)
        path = Path(folder) / "state.safetensors"
        save_tree(path, dict(state))
        back: dict[str, Any] = load_tree(path)
        other: Callback = subject.make()
        other.load(back)
        expect(_plain(other.state()) == _plain(state), "the same state after `load`", "another")
        callback.on_finish(training)
        other.on_start(training)
        other.on_finish(training)


def _plain(value: Any) -> Any:
    """A tree with tensors as lists."""
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value
