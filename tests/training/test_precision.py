"""The precision of a training: that it reaches the loss, that the quicker one is taken, and that the run names it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from genvae.clips.store import ClipStore
from genvae.interfaces.model import Model
from genvae.pipeline import Pipeline
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.training import loop, precision
from genvae.training.job import Job, new_job, resume_job
from genvae.training.plan import Budget

CPU = torch.device("cpu")


def job(store: ClipStore, path: Path, budget: Budget, **train: object) -> Job:
    small = {"width": 16, "depth": 1, "vae_depth": 1, "components": 16, "latent_dim": 4}
    plugins = {"model": "flow-vae"}
    return new_job(path, store, budget=budget, plugins=plugins, values={"model": small, "train": train})


@pytest.fixture
def store(tone_store: Path) -> ClipStore:
    return ClipStore.open(tone_store)


def test_bfloat16_reaches_the_loss_and_leaves_the_weights_in_single_precision(
    store: ClipStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genvae_plugins.models.flow_vae import FlowVAE

    plain, dtypes = FlowVAE.loss, set()

    def loss(self: FlowVAE, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        if self.training:
            dtypes.add((features.dtype, self.flow.enter(torch.zeros(1, self.flow.enter.in_features)).dtype))
        return plain(self, features, genre, generator=generator)

    monkeypatch.setattr(FlowVAE, "loss", loss)
    run = loop.train(job(store, tmp_path / "run", Budget(steps=2), precision="bf16-mixed"), store, device="cpu")
    assert dtypes == {(torch.float32, torch.bfloat16)}
    weights = run.load(installed()).model.state_dict().values()
    assert {weight.dtype for weight in weights if weight.is_floating_point()} == {torch.float32}


@pytest.mark.parametrize(("half", "expected"), [(0.5, "bf16-mixed"), (0.9, "32-true"), (10.0, "32-true")])
def test_bfloat16_is_taken_where_it_takes_much_less_time(
    store: ClipStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, half: float, expected: str
) -> None:
    clock = {"now": 0.0}
    pipeline = Pipeline.build(job(store, tmp_path / "run", Budget(steps=1)).config, installed())

    def loss(self: Model, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        clock["now"] += half if torch.is_autocast_enabled("cpu") else 1.0
        return {"loss": torch.ones((), requires_grad=True)}

    monkeypatch.setattr(type(pipeline.model), "loss", loss)
    monkeypatch.setattr(precision.time, "perf_counter", lambda: clock["now"])
    assert precision.quicker(pipeline, CPU) == expected
    assert clock["now"] < 15  # what takes ten times as long is tried once


def test_a_model_that_fails_in_bfloat16_is_trained_in_single_precision(
    store: ClipStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline.build(job(store, tmp_path / "run", Budget(steps=1)).config, installed())
    before = {name: value.clone() for name, value in pipeline.state_dict().items()}

    def loss(self: Model, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        if torch.is_autocast_enabled("cpu"):
            raise NotImplementedError("no such kernel")
        return {"loss": sum((weight.sum() for weight in self.parameters()), torch.zeros(()))}

    monkeypatch.setattr(type(pipeline.model), "loss", loss)
    assert precision.quicker(pipeline, CPU) == "32-true"
    assert all(torch.equal(value, before[name]) for name, value in pipeline.state_dict().items())
    assert all(weight.grad is None for weight in pipeline.parameters())


def test_only_a_budget_in_minutes_lets_a_measurement_decide_and_the_run_names_the_outcome(
    store: ClipStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "quicker", lambda *_: "bf16-mixed")

    def named(run: Run) -> object:
        return json.loads((run.path / "pipeline.json").read_text())["training"]["options"]["precision"]

    counted = loop.train(job(store, tmp_path / "counted", Budget(steps=1)), store, device="cpu")
    assert named(counted) == "32-true"
    timed = loop.train(job(store, tmp_path / "timed", Budget(minutes=1e-6)), store, device="cpu")
    assert named(timed) == "bf16-mixed"
    assert resume_job(timed.path, store, None).options.precision == "bf16-mixed"
