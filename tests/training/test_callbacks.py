"""Callbacks in a training: what ours write, that none changes it, and what becomes of one that fails."""

from __future__ import annotations

import csv
import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch
from safetensors.torch import load_file

import genvae
from genvae.errors import OptionError, PluginError
from genvae.plugin.registry import forget_file, use_file
from genvae.progress import Message, Progress
from genvae.training.interrupt import Interrupted

OPTIONS: dict[str, Any] = {
    "transform.n_fft": 256,
    "transform.hop": 128,
    "model.width": 16,
    "model.neck": 4,
    "model.latent_dim": 4,
    "vocoder.iterations": 0,
    "train.batch_size": 16,
    "train.validate_every": 2,
    "train.validation_clips": 8,
    "train.checkpoint_every": 2,
}
OWN = """
from dataclasses import dataclass
import json, os, signal
import torch, genvae
class Notes(genvae.Callback):
    heard = ()
    def on_start(self, training):
        self.heard = (*self.heard, f"start {training.step}")
    def on_step(self, training, values):
        self.heard = (*self.heard, f"step {training.step} {sorted(values)}")
    def on_validation(self, training, values):
        self.heard = (*self.heard, f"validation {training.step}")
        torch.rand(7)
        training.pipeline.eval()
        if training.step == 4 and os.environ.get("NOTES") == "stop":
            os.kill(os.getpid(), signal.SIGINT)
    def on_checkpoint(self, training):
        self.heard = (*self.heard, f"checkpoint {training.step} {training.progress:.2f}")
    def on_finish(self, training):
        (training.folder / "notes.json").write_text(json.dumps([*self.heard, "finish"]))
    def state(self):
        return {"heard": list(self.heard)}
    def load(self, state):
        self.heard = tuple(state["heard"])
class Fails(genvae.Callback):
    def on_validation(self, training, values):
        raise ValueError("no disk")
class Steps(genvae.Schedule):
    def scale(self, progress):
        return 0.0 if progress < 0.5 else -1.0
@genvae.hookimpl
def genvae_callbacks():
    yield genvae.CallbackPlugin(name="notes", summary="S.", factory="own_callbacks:Notes")
    yield genvae.CallbackPlugin(name="fails", summary="S.", factory="own_callbacks:Fails")
@genvae.hookimpl
def genvae_schedules():
    yield genvae.SchedulePlugin(name="steps", summary="S.", factory="own_callbacks:Steps")
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A file with callbacks and a schedule, named as --plugin does."""
    file = tmp_path / "own_callbacks.py"
    file.write_text(textwrap.dedent(OWN))
    use_file(file)
    yield file
    forget_file(file)


def trained(store: Path, run: Path, *callbacks: str, steps: int = 6, listener: Any = False, **more: Any) -> genvae.Run:
    options = {**OPTIONS, "train.callbacks": callbacks, **{name.replace("__", "."): v for name, v in more.items()}}
    return genvae.train(store, run, steps=steps, model="conv-vae", options=options, progress=listener)


def validations(run: Path) -> dict[int, float]:
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return {line["step"]: line["loss"] for line in lines if line["kind"] == "validation"}


def test_ours_write_what_they_say_and_change_nothing(tone_store: Path, tmp_path: Path) -> None:
    bare = trained(tone_store, tmp_path / "bare")
    run = trained(tone_store, tmp_path / "run", "csv", "samples", "early-stopping")
    one, other = (load_file(each.weights_path) for each in (bare, run))
    assert all(torch.equal(one[name], other[name]) for name in one)
    rows = list(csv.DictReader((run.path / "metrics.csv").open()))
    written = {int(r["step"]): float(r["value"]) for r in rows if (r["kind"], r["name"]) == ("validation", "loss")}
    assert written == pytest.approx(validations(run.path))
    assert {r["step"] for r in rows if r["kind"] == "train"} == {"1"}
    names = {path.relative_to(run.path / "samples").as_posix() for path in run.path.glob("samples/*/*.wav")}
    assert names == {f"000000{step}/{genre}-0.wav" for step in (2, 4, 6) for genre in ("high", "low", "noisy")}
    wave, rate = soundfile.read(run.path / "samples" / "0000002" / "low-0.wav")
    assert (len(wave), rate) == (2000, 4000)
    assert abs(wave).max() > 0
    said = json.loads(run.description_path.read_text())["training"]
    assert [each["plugin"] for each in said["callbacks"]] == ["csv", "samples", "early-stopping"]


def test_early_stopping_ends_a_training_that_gets_no_better_and_best_keeps_the_best_weights(
    tone_store: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    run = trained(
        tone_store,
        tmp_path / "run",
        "early-stopping",
        "best",
        steps=40,
        listener=lambda each: told.append(each.text) if isinstance(each, Message) else None,
        model__learning_rate=0.3,
        train__warmup_steps=0,
        **{"early-stopping.patience": 2},
    )
    losses = validations(run.path)
    best = min(losses, key=losses.__getitem__)
    assert max(losses) == best + 4 < 40  # two validations without a better one
    assert any(text.startswith(f"Training ends at step {best + 4}: loss was not better than") for text in told)
    assert f"Keeping the weights of step {best}" in " ".join(told)
    short = trained(tone_store, tmp_path / "short", steps=40, model__learning_rate=0.3, train__warmup_steps=0, **{
        "train.validate_every": best, "train.callbacks": ["early-stopping"], "early-stopping.patience": 1,
        "early-stopping.margin": 1e9,
    })  # fmt: skip
    assert max(validations(short.path)) == 2 * best
    assert run.finished


def test_one_of_ones_own_hears_all_and_goes_on_where_a_resumed_training_does(
    tone_store: Path, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(tone_store, tmp_path / "whole", "notes")
    heard = json.loads((whole.path / "notes.json").read_text())
    assert [each.split()[0] for each in heard] == [
        "start", "step", "validation", "checkpoint", "validation", "checkpoint", "validation", "checkpoint",
        "checkpoint", "finish",
    ]  # fmt: skip
    assert "checkpoint 2 0.33" in heard
    monkeypatch.setenv("NOTES", "stop")
    with pytest.raises(Interrupted):
        trained(tone_store, tmp_path / "run", "notes")
    monkeypatch.delenv("NOTES")
    events: list[Progress | Message] = []
    run = genvae.train(tone_store, tmp_path / "run", resume=True, progress=events.append)
    steps = [each.done for each in events if isinstance(each, Progress) and each.stage == "training"]
    assert steps[0] == pytest.approx(4 / 6)  # the time that is left follows from what was done since then
    resumed = json.loads((run.path / "notes.json").read_text())
    assert [each for each in resumed if each.startswith("start")] == ["start 0", "start 4"]
    assert [each for each in resumed if each.startswith("valid")] == ["validation 2", "validation 4", "validation 6"]
    one, other = (load_file(each.weights_path) for each in (whole, run))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_one_that_fails_is_left_out_with_a_warning_and_the_training_ends_well(
    tone_store: Path, tmp_path: Path, own: Path
) -> None:
    run = trained(tone_store, tmp_path / "run", "fails")
    assert run.finished
    lines = list(map(json.loads, (run.path / "metrics.jsonl").read_text().splitlines()))
    [warning] = [line["message"] for line in lines if line["kind"] == "warning" and "fails" in line["message"]]
    assert warning.startswith("The callback 'fails' of own_callbacks.py failed in on_validation: ValueError: no disk (")
    assert "own_callbacks.py, line 27)" in warning
    assert warning.endswith("Training goes on without it.")


def test_a_schedule_of_ones_own_sets_the_learning_rate_and_its_slip_is_one_line(
    tone_store: Path, tmp_path: Path, own: Path
) -> None:
    with pytest.raises(PluginError, match=r"schedule 'steps' of own_callbacks\.py failed: .*scale\(0.5\) gives -1.0"):
        trained(tone_store, tmp_path / "run", train__schedule="steps", train__callbacks=())
    still, other = (
        trained(tone_store, tmp_path / name, steps=1, train__schedule=name, train__warmup_steps=0)
        for name in ("steps", "constant")
    )
    one, two = (load_file(each.weights_path) for each in (still, other))
    weights = [name for name in one if name.startswith("model.") and name.endswith(".weight")]
    assert any(not torch.equal(one[name], two[name]) for name in weights)


def test_names_and_options_that_do_not_exist_are_answered(tone_store: Path, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"There is no callback 'cvs'\. Did you mean 'csv'"):
        trained(tone_store, tmp_path / "run", "cvs")
    with pytest.raises(PluginError, match=r"There is no schedule 'cosin'\. Did you mean 'cosine'"):
        trained(tone_store, tmp_path / "run", train__schedule="cosin")
    with pytest.raises(OptionError, match=r"patience takes a whole number at least 1, not 0"):
        trained(tone_store, tmp_path / "run", "early-stopping", **{"early-stopping.patience": 0})
    assert not (tmp_path / "run").exists()
