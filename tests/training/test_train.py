"""`genvae train` as a whole: it learns, it stops and goes on exactly, and what it leaves can generate."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import SMALL
from safetensors.torch import load_file
from training_runs import ONE_THREAD, command, train

import genvae
from genvae.clips.batches import in_order
from genvae.latents import encode
from genvae.progress import Message, Progress
from genvae.run import Run
from genvae.training import measuring
from genvae.training.interrupt import Interrupted


def metrics(run: Path, kind: str) -> list[dict[str, float]]:
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [line for line in lines if line["kind"] == kind]


def test_training_brings_the_held_out_loss_and_distance_down(trained):
    validations = metrics(trained, "validation")
    assert [line["step"] for line in validations] == [20, 40, 60]
    assert validations[-1]["nll"] < validations[0]["nll"] - 0.2
    assert validations[-1]["distance_db"] < validations[0]["distance_db"]
    assert {"kl", "active_units", "squared_error"} <= validations[-1].keys()
    assert {"loss", "clips_per_second"} <= metrics(trained, "train")[-1].keys()


def test_tensorboard_gets_the_same_numbers(trained):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained / "tensorboard")).Reload()
    shown = {event.step: event.value for event in events.Scalars("validation/nll")}
    logged = {line["step"]: line["nll"] for line in metrics(trained, "validation")}
    assert shown == pytest.approx(logged, rel=1e-5)


def test_a_trained_run_generates_without_its_latents(trained, genvae):
    (trained / "latents.safetensors").rename(trained / "kept-away")
    try:
        result = genvae("generate", "--run", trained, "--genre", "low", "--seed", "1", "-o", "low.wav")
        assert result.exit_code == 0, result.output
    finally:
        (trained / "kept-away").rename(trained / "latents.safetensors")


def test_latents_are_those_of_the_training_split_alone(trained, tone_store):
    from genvae.clips.store import ClipStore

    store = ClipStore.open(tone_store)
    latents = load_file(trained / "latents.safetensors")
    assert latents["clip"].tolist() == store.select(split="train").tolist()
    assert latents["genre"].tolist() == store.index["genre"][store.select(split="train")].tolist()
    assert latents["mean"].shape == (len(latents["clip"]), 8)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_and_resumed_ends_in_the_same_weights(number, trained, tone_store, small, tmp_path):
    path = tmp_path / "run"
    arguments = command("train", tone_store, "--run", path, "--steps", 60, "--seed", 5, *small)
    process = subprocess.Popen(arguments, env=ONE_THREAD, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (path / "metrics.jsonl").exists() or not metrics(path, "train"):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 128 + number, errors
    assert "--resume" in errors
    assert "Traceback" not in errors
    assert (path / "checkpoint.safetensors").exists()
    assert not Run(path).finished

    resumed = train(tone_store, "--run", path, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert (path / "weights.safetensors").read_bytes() == (trained / "weights.safetensors").read_bytes()
    assert not (path / "checkpoint.safetensors").exists()
    steps = [line["step"] for line in metrics(path, "train")]
    assert steps == sorted(set(steps))


@pytest.mark.parametrize(("stage", "where"), [(measuring, "before the first step"), (encode, "after the last step")])
def test_a_signal_before_the_first_step_or_after_the_last_is_heeded_too(
    stage, where, tone_store, small, genvae, monkeypatch, tmp_path
):
    def stopped(*arguments):
        signal.raise_signal(signal.SIGTERM)
        return in_order(*arguments)

    monkeypatch.setattr(stage, "in_order", stopped)
    result = genvae("train", tone_store, "--run", tmp_path / "run", "--steps", 2, *small)
    assert result.exit_code == 143
    assert f"Stopped {where}.\nTry: genvae train {tone_store} --run" in result.stderr
    assert not Run(tmp_path / "run").finished
    monkeypatch.undo()
    assert genvae("train", tone_store, "--run", tmp_path / "run", "--resume").exit_code == 0
    assert Run(tmp_path / "run").finished


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(tone_store, small, genvae, tmp_path):
    weights = []
    for name, seed in (("one", 5), ("same", 5), ("other", 6)):
        result = genvae("train", tone_store, "--run", tmp_path / name, "--steps", 4, "--seed", seed, *small)
        assert result.exit_code == 0, result.output
        weights.append((tmp_path / name / "weights.safetensors").read_bytes())
    assert weights[0] == weights[1] != weights[2]


def test_a_run_is_never_trained_over(trained, tone_store, small):
    before = (trained / "weights.safetensors").read_bytes()
    again = train(tone_store, "--run", trained, "--steps", 1, *small)
    assert again.returncode == 4
    assert "holds a run already" in again.stderr
    finished = train(tone_store, "--run", trained, "--resume")
    assert finished.returncode == 4
    assert "trained already" in finished.stderr
    assert (trained / "weights.safetensors").read_bytes() == before


def test_a_resumed_run_names_the_budget_that_it_goes_on_within_and_keeps_it(tone_store, small, tmp_path):
    def interrupt(event: Progress | Message) -> None:
        if isinstance(event, Progress) and event.stage == "training":
            signal.raise_signal(signal.SIGINT)

    def budget() -> dict[str, object]:
        return Run(path).training["budget"]

    options = {name: int(value) for name, value in (assignment.split("=") for assignment in SMALL)}
    path = tmp_path / "run"
    assert train(tone_store, "--run", path, "--minutes", 0.001, *small).returncode == 0
    assert "nothing to resume" in train(tone_store, "--run", path, "--resume", "--steps", 9).stderr
    assert budget() == {"steps": None, "epochs": None, "minutes": 0.001}
    assert Run(path).verify() == []

    path = tmp_path / "stopped"
    with pytest.raises(Interrupted):
        genvae.train(tone_store, path, minutes=10, model="conv-vae", options=options, progress=interrupt)
    assert budget()["minutes"] == 10
    with pytest.raises(Interrupted):
        genvae.train(tone_store, path, steps=9, resume=True, progress=interrupt)
    assert budget() == {"steps": 9, "epochs": None, "minutes": None}
    genvae.train(tone_store, path, resume=True, progress=False)
    assert metrics(path, "validation")[-1]["step"] == 9
    assert Run(path).verify() == []


def test_resuming_takes_no_options_and_no_other_store(trained, tone_store, small, genvae, tmp_path):
    assert "leave --set" in genvae("train", tone_store, "--run", trained, "--resume", *small).output
    other = tmp_path / "other"
    music = tone_store.parent / "music"
    assert genvae("prepare", music, "--out", other, "--clip-ms", 250, "--workers", 1).exit_code == 0
    assert "another store" in genvae("train", other, "--run", trained, "--resume").output


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--set", "model.latnet_dim=4"], "Did you mean 'latent_dim'?"),
        (["--set", "modle.latent_dim=4"], "Did you mean 'model'?"),
        (["--set", "train.batch_size=many"], "train.batch_size takes a whole number"),
        (["--set", "model.width=33"], "width must be a multiple of 16"),
        (["--set", "model.learning_rate=nan"], "model.learning_rate takes a number, not 'nan'"),
        (["--set", "model.learning_rate=0"], "model.learning_rate takes a number above 0, not '0'"),
        (
            ["--model", "reference-vae", "--set", "model.latent_dim=0"],
            "takes a whole number from 1 to 65536",
        ),
        (["--model", "conv-vea"], "Did you mean 'conv-vae'?"),
        (["--model", "reference-vae", "--set", "transform.n_fft=1024"], "bins = 256 or 257"),
        (["--steps", "5", "--minutes", "1"], "exactly one of"),
        (["--set", "transform.n_fft=4096"], "give a shorter one with --set, such as transform.n_fft=256"),
        (["--from", "embeded"], "is called 'pretrained'"),
    ],
)
def test_wrong_options_are_answered_in_one_line_and_leave_nothing(wrong, said, tone_store, genvae, tmp_path):
    path = tmp_path / "run"
    result = genvae("train", tone_store, "--run", path, *wrong)
    assert result.exit_code != 0
    assert said in result.output
    assert not path.exists()


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="needs a machine without that device")
def test_a_device_that_is_not_here_is_answered_with_those_that_are(tone_store, genvae, small, tmp_path):
    result = genvae("train", tone_store, "--run", tmp_path / "run", "--steps", 1, "--device", "mps", *small)
    assert result.exit_code == 2
    assert "--device mps is not possible here" in result.stderr
    assert "torch has cpu" in result.stderr
    assert "Accelerator" not in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_folder_of_something_else_is_left_alone(tone_store, genvae, small):
    before = sorted(tone_store.iterdir())
    result = genvae("train", tone_store, "--run", tone_store, "--steps", 1, *small)
    assert result.exit_code == 4
    assert "holds other files (index.npy) and is no run" in result.stderr
    assert sorted(tone_store.iterdir()) == before


@pytest.mark.parametrize("steps", [12, 6])
def test_a_loss_that_is_not_finite_ends_it_and_reaches_no_checkpoint(tone_store, genvae, small, tmp_path, steps):
    path = tmp_path / "run"
    wild = ["--set", "model.learning_rate=1e30", "--set", "train.checkpoint_every=10"]
    result = genvae("train", tone_store, "--run", path, "--steps", steps, *small, *wild)
    assert result.exit_code == 4
    assert f"The loss is not finite any more at step {min(steps, 10)}." in result.stderr
    assert sorted(file.name for file in path.glob("*.safetensors")) == []


def test_a_collapsing_posterior_is_warned_of(tone_store, small, tmp_path):
    path = tmp_path / "run"
    done = train(
        tone_store,
        "--run",
        path,
        "--steps",
        40,
        *small,
        "--set",
        "model.beta=1e6",
        "--set",
        "model.free_bits=0",
        "--set",
        "model.kl_warmup=0",
    )
    assert done.returncode == 0, done.stderr
    assert "Warning: The posterior is collapsing" in done.stderr
    assert "collapsing" in metrics(path, "warning")[-1]["message"]


def test_two_processes_train_one_model(tone_store, small, tmp_path):
    path = tmp_path / "run"
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    arguments = ["-m", "--", "genvae", "train", tone_store, "--run", path, "--steps", "6", "--device", "cpu", *small]
    done = subprocess.run([*launch, *map(str, arguments)], env=ONE_THREAD, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Run(path).finished
    assert all(torch.isfinite(tensor).all() for tensor in load_file(path / "weights.safetensors").values())
    steps = [line["step"] for line in metrics(path, "train")]
    assert steps == [1]


def test_a_run_is_trained_by_one_process_at_a_time(tone_store, small, tmp_path):
    path = tmp_path / "run"
    begun = subprocess.Popen(command("train", tone_store, "--run", path, "--steps", 100_000, *small), env=ONE_THREAD)
    try:
        while not (path / "metrics.jsonl").exists() and begun.poll() is None:
            time.sleep(0.01)
        second = train(tone_store, "--run", path, "--resume")
        assert second.returncode == 4
        assert f"Another process is training {path}." in second.stderr
    finally:
        begun.kill()
        begun.wait()
    (path / ".checkpoint.safetensors.abc.tmp").write_bytes(b"of a process that was killed")
    done = train(tone_store, "--run", path, "--resume", "--steps", 1)  # the lock has gone with its process
    assert done.returncode == 0, done.stderr
    assert not list(path.glob(".*"))
    assert Run(path).sealed
    assert Run(path).verify() == []
