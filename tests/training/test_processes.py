"""Several processes train as one does: the same batches, draws, buffers and weights; and what becomes of a lost one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from training_runs import ONE_THREAD, train

import genvae
from genvae.clips.store import ClipStore
from genvae.errors import OptionError, RunError
from genvae.interfaces.model import TrainingStep
from genvae.tensor_files import load_tree
from genvae.training import processes
from genvae.training.data import Batches
from genvae.training.job import new_job, resume_job
from genvae.training.parts import Parts
from genvae.training.plan import Budget

STEPS, SEED, LONG = 50, 5, 300
FLOW = {"latent_dim": 6, "width": 32, "depth": 1, "vae_depth": 1, "components": 16, "learning_rate": 5e-3}
CODES = {"width": 32, "neck": 8, "groups": 2, "code_dim": 3, "codes": 16}


@pytest.mark.parametrize("world", [1, 2, 4])
def test_each_step_has_the_same_clips_beginning_alike_whoever_shares_them(tone_store: Path, world: int) -> None:
    store = ClipStore.open(tone_store)
    numbers = store.select(split="train")
    whole = Batches(store, numbers, batch_size=8, seed=1, shift=True)
    shares = [Batches(store, numbers, batch_size=8, seed=1, shift=True, rank=r, world=world) for r in range(world)]
    for step in (0, 3, 40):
        parts = [each.at(step) for each in shares]
        assert torch.equal(torch.cat([part.waves for part in parts]), whole.at(step).waves)
        assert torch.equal(torch.cat([part.genres for part in parts]), whole.at(step).genres)


class Drawing(nn.Module):
    """Draws in its loss, and counts and remembers what it saw in buffers."""

    max_gradient_norm = None

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.register_buffer("seen", torch.zeros(3))
        self.register_buffer("fixed", torch.tensor([1 / 3, float("inf")]))
        self.register_buffer("calls", torch.tensor(0))

    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        noise = torch.randn(features.shape, generator=generator) + torch.rand(1)  # from torch's own generator as well
        self.seen.mul_(0.9).add_(0.1 * (features + noise).mean(dim=0).detach())  # type: ignore[operator]
        self.calls += 1
        return {"loss": ((features * self.weight + noise) * self.seen.clone()).square().mean()}  # type: ignore[operator]


def stepped(world: int, parts: int) -> list[Drawing]:
    """What each process has after a step of a batch of eight; threads stand in for the processes."""
    features = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    models, told = [Drawing() for _ in range(world)], [torch.empty(0)] * world
    everyone = threading.Barrier(world)
    turn = threading.Lock()  # the global generator is one for all threads

    def process(rank: int) -> None:
        def mean_of_all(tensor: Tensor, reduce_op: str) -> Tensor:
            assert reduce_op == "mean"
            told[rank] = tensor
            everyone.wait(60)
            return torch.stack(told).mean(dim=0)

        fabric: Any = SimpleNamespace(global_rank=rank, world_size=world, all_reduce=mean_of_all)
        model, share, generator = models[rank], features.chunk(world)[rank], torch.Generator()
        own = Parts(fabric, model, generator, seed=3, step=7, count=parts // world)
        step = TrainingStep(
            *([], torch.autograd.backward, model.loss, generator), accumulate=parts // world, begin_part=own.begin
        )
        with turn:
            own.begin(0)
            genvae.Model.training_step(model, share, torch.zeros(len(share)), step)  # type: ignore[arg-type]
        own.end()

    with ThreadPoolExecutor(world) as pool:
        list(pool.map(process, range(world)))
    return models


@pytest.mark.parametrize("world", [2, 4])
def test_a_step_of_several_processes_is_that_of_one_that_computes_all_parts(world: int) -> None:
    [alone], together = stepped(1, 4), stepped(world, 4)
    gradient = torch.stack([each.weight.grad for each in together if each.weight.grad is not None]).mean(dim=0)
    assert alone.weight.grad is not None
    torch.testing.assert_close(gradient, alone.weight.grad)
    for each in together:
        torch.testing.assert_close(each.seen, alone.seen)
        assert torch.equal(each.fixed, Drawing().fixed)  # type: ignore[arg-type]
        assert int(each.calls) == int(alone.calls) == 1  # type: ignore[arg-type]
    [whole] = stepped(1, 1)
    assert not torch.allclose(whole.seen, alone.seen)  # type: ignore[arg-type]  # parts draw for themselves


def sharing(monkeypatch: pytest.MonkeyPatch, world: int) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(world))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", str(world))


def test_a_new_run_is_described_with_the_parts_that_its_processes_share(
    tone_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ClipStore.open(tone_store)
    job = new_job(tmp_path / "run", store, budget=Budget(steps=1), values={"train": {"accumulate": 3}})
    for world, parts in ((1, 3), (2, 4), (3, 3), (4, 4)):
        sharing(monkeypatch, world)
        assert processes.with_parts(job).options.accumulate == parts


def test_another_number_of_processes_goes_on_with_a_run_or_is_told_why_not(
    tone_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ClipStore.open(tone_store)
    job = new_job(tmp_path / "run", store, budget=Budget(steps=1), values={"train": {"accumulate": 4}})
    assert job.create is not None
    job.create(job.options)
    resumed = resume_job(tmp_path / "run", store, None)
    for world in (1, 2, 4):
        sharing(monkeypatch, world)
        assert processes.with_parts(resumed) == resumed
    sharing(monkeypatch, 3)
    with pytest.raises(RunError, match=r"in 4 parts .* 3 processes can't share them out alike. Go on with 1, 2 or 4"):
        processes.with_parts(resumed)
    sharing(monkeypatch, 2)
    model: Any = SimpleNamespace()
    with pytest.raises(OptionError, match=r"a batch of 9 clips .* Take a multiple of 4"):
        processes.require_shareable(resumed, model, 9)
    with pytest.raises(RunError, match="go on with 4 of them"):
        processes.require_shareable(resumed, model, 8)  # of which nobody knows a step, so it may be its own


def torchrun(*arguments: object, hosts: Sequence[object] = ("--standalone", "--nproc-per-node", 2)) -> list[str]:
    command = [sys.executable, "-m", "torch.distributed.run", *hosts, "-m", "--", "genvae", "train", *arguments]
    return [str(each) for each in command]


def together(*arguments: object) -> None:
    done = subprocess.run(
        torchrun(*arguments), env=ONE_THREAD, capture_output=True, text=True, check=False, timeout=LONG
    )
    assert done.returncode == 0, done.stderr


def options(model: str, values: dict[str, object]) -> list[object]:
    chosen = {"transform.n_fft": 256, "transform.hop": 128, "train.batch_size": 16, "train.warmup_steps": 2}
    chosen |= {"train.precision": "32-true", "train.callbacks": ""}
    chosen |= {f"model.{name}": value for name, value in values.items()}
    assigned = [part for name, value in chosen.items() for part in ("--set", f"{name}={value}")]
    return ["--model", model, "--steps", STEPS, "--seed", SEED, "--device", "cpu", *assigned]


def furthest(one: Path, other: Path) -> float:
    """The largest difference between two runs' weights."""
    ours, theirs = load_file(one / "weights.safetensors"), load_file(other / "weights.safetensors")
    assert ours.keys() == theirs.keys()
    return max(float((ours[name].double() - theirs[name].double()).abs().max()) for name in ours if ours[name].numel())


@pytest.fixture(scope="module")
def alone(tone_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process that computes both parts of each batch."""
    path = tmp_path_factory.mktemp("alone") / "run"
    done = train(tone_store, "--run", path, *options("flow-vae", FLOW), "--set", "train.accumulate=2", timeout=LONG)
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.slow
def test_two_processes_end_with_the_weights_of_one(alone: Path, tone_store: Path, tmp_path: Path) -> None:
    together(tone_store, "--run", tmp_path / "run", *options("flow-vae", FLOW))
    assert furthest(alone, tmp_path / "run") <= 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "values"), [("vq-vae", CODES), ("vae-gan", {"width": 32, "neck": 8, "latent_dim": 6, "first_stage": 25})]
)
def test_buffers_and_steps_of_a_models_own_are_shared_too(
    model: str, values: dict[str, object], tone_store: Path, tmp_path: Path
) -> None:
    """vq-vae keeps its codes in buffers; vae-gan has a step of its own, that takes what a process has as a whole."""
    together(tone_store, "--run", tmp_path / "two", *options(model, values))
    if model == "vq-vae":
        one = [*options(model, values), "--set", "train.accumulate=2"]
        done = train(tone_store, "--run", tmp_path / "one", *one, timeout=LONG)
        assert done.returncode == 0, done.stderr
        assert furthest(tmp_path / "one", tmp_path / "two") <= 1e-6


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are found as Linux lists them")
@pytest.mark.parametrize("resumed_by", [1, 2])
def test_a_killed_process_ends_the_job_with_a_checkpoint_that_others_go_on_from(
    alone: Path, tone_store: Path, tmp_path: Path, resumed_by: int
) -> None:
    path = tmp_path / "run"
    # A machine may stand still for longer than the 30 seconds that torchrun gives the others.
    env = {**ONE_THREAD, "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(LONG), "PYTHONFAULTHANDLER": "1"}
    job = subprocess.Popen(
        torchrun(tone_store, "--run", path, *options("flow-vae", FLOW)),
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + LONG
    while not (path / "metrics.jsonl").exists() or '"train"' not in (path / "metrics.jsonl").read_text():
        assert job.poll() is None, job.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first, second = sorted(processes_of(path), key=lambda number: b"\0RANK=1\0" in environment_of(number))
    os.kill(second, signal.SIGKILL)
    try:
        said, _ = job.communicate(timeout=LONG / 3)
    except subprocess.TimeoutExpired:
        os.kill(first, signal.SIGABRT)  # Python then says where each of its threads stands
        said, _ = job.communicate(timeout=LONG)
    assert job.returncode != 0
    assert "genvae train" in said, said
    assert "--resume" in said
    reached = load_tree(path / "checkpoint.safetensors")["step"]
    assert 0 < reached < STEPS
    again = (tone_store, "--run", path, "--resume", "--device", "cpu")
    if resumed_by == 1:
        done = train(*again, timeout=LONG)
        assert done.returncode == 0, done.stderr
    else:
        together(*again)
    assert furthest(alone, path) <= 1e-6


def processes_of(run: Path) -> list[int]:
    """The processes of Python that train a run."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().split(b"\0")
        except OSError:  # ended meanwhile
            continue
        if str(run).encode() in words and b"torch.distributed.run" not in words:
            found.append(int(each.parent.name))
    return found


def environment_of(number: int) -> bytes:
    return b"\0" + Path(f"/proc/{number}/environ").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is an address of this machine on Linux alone")
def test_two_hosts_train_as_one_does(alone: Path, tone_store: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.2", 0)) as listener:
        port = listener.getsockname()[1]
    path = tmp_path / "run"
    env = {**ONE_THREAD, "GLOO_SOCKET_IFNAME": "lo"}
    hosts = [
        subprocess.Popen(
            torchrun(
                *(tone_store, "--run", path, *options("flow-vae", FLOW)),
                hosts=(
                    *("--nnodes", 2, "--node-rank", rank, "--nproc-per-node", 1),
                    *("--master-addr", "127.0.0.2", "--master-port", port, "--local-addr", f"127.0.0.{2 + rank}"),
                ),
            ),
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(2)
    ]
    said = [each.communicate(timeout=LONG)[0] for each in hosts]
    assert [each.returncode for each in hosts] == [0, 0], "\n".join(said)
    assert furthest(alone, path) <= 1e-6


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs, and has never had them")
def test_two_gpus_train_what_can_generate(tone_store: Path, tmp_path: Path) -> None:
    on_gpus = ["cuda" if each == "cpu" else each for each in options("flow-vae", FLOW)]
    command = torchrun(tone_store, "--run", tmp_path / "run", *on_gpus)
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=False, timeout=LONG)
    assert done.returncode == 0, done.stderr
    assert genvae.load(tmp_path / "run").generate("low", seed=1).wave.isfinite().all()
