"""What many tests share: a small run, made through the public API in about a second, and a store to train on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, settings

from genvae.attributes import Attribute
from genvae.cli import main
from genvae.pipeline import Pipeline, PipelineConfig
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.tensor_files import save_tensors

# How long an example takes, or is made in, says how busy the machine is, not whether anything is right.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)  # the other cores have workers of their own

GENRES = ("drum & bass", "rock", "techno")
SAMPLE_RATE = 8000
CLIP_SAMPLES = 4096
MODEL: dict[str, object] = {"latent_dim": 4, "width": 16, "neck": 4, "blocks": 1}

Genvae = Callable[..., Result]


ATTRIBUTES = (
    Attribute(name="key", words=("C", "D")),
    Attribute(name="tempo", unit="beats a minute", mean=120, deviation=20, least=60, most=180),
)


def make_run(path: Path, seed: int = 0, attributes: tuple[Attribute, ...] = ()) -> Run:
    """A run whose model has learnt nothing, with statistics and latents of noise."""
    registry = installed()
    config = PipelineConfig.assemble(
        registry,
        sample_rate=SAMPLE_RATE,
        clip_samples=CLIP_SAMPLES,
        genres=GENRES,
        plugins={"model": "conv-vae"},
        values={"transform": {"n_fft": 256, "hop": 128}, "model": MODEL, "vocoder": {"iterations": 4}},
        attributes=attributes,
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        pipeline = Pipeline.build(config, registry)
        if attributes:  # an embedding begins as nothing
            torch.nn.init.normal_(pipeline.model.get_submodule("attributes.leave").weight)
    waves = 0.1 * torch.randn(12, CLIP_SAMPLES, generator=generator)
    genre = torch.arange(12) % len(GENRES)
    with torch.no_grad():
        pipeline.transform.fit([waves])
        pipeline.eval()
        posterior = pipeline.model.encode(pipeline.transform(waves), genre)
        z = posterior.sample(generator)
        pipeline.prior.fit(z, genre, generator=generator)
    run = Run.create(path, config, pipeline.transform.spec.to_json(), training={"steps": 0}, data={"clips": 12})
    run.save_weights(pipeline)
    save_tensors(run.latents_path, {"mean": posterior.mean, "genre": genre, "clip": torch.arange(12)})
    return run


@pytest.fixture(scope="session")
def tiny_run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "tiny").path


@pytest.fixture(scope="session")
def asked_run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that knows a key and a tempo."""
    return make_run(tmp_path_factory.mktemp("runs") / "asked", attributes=ATTRIBUTES).path


@pytest.fixture
def tiny_run(tiny_run_path: Path, tmp_path: Path) -> Run:
    """A copy of its own for each test, so that a test may damage it."""
    return Run(Path(shutil.copytree(tiny_run_path, tmp_path / "tiny-run")))


@pytest.fixture
def genvae(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Genvae:
    """Run a command line in an empty folder of its own."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments: str | Path) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)

    return run


TONE_RATE = 4000  # Hz, of the store of pure sounds


@pytest.fixture(scope="session")
def tone_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three genres of tones whose pitch and level vary: six recordings of eight half-second clips for each."""
    root = tmp_path_factory.mktemp("tones")
    generator = np.random.default_rng(0)
    times = np.arange(4 * TONE_RATE) / TONE_RATE
    for genre, (lowest, highest, noise) in {
        "high": (900, 1500, 0.0),
        "low": (100, 300, 0.0),
        "noisy": (300, 900, 0.2),
    }.items():
        (root / "music" / genre).mkdir(parents=True)
        for number in range(6):
            pitch = generator.uniform(lowest, highest)
            wave = 0.4 * np.sin(2 * np.pi * pitch * times) + noise * generator.standard_normal(len(times))
            soundfile.write(root / "music" / genre / f"{number}.wav", wave, TONE_RATE)
    arguments = ["prepare", str(root / "music"), "--out", str(root / "store"), "--sample-rate", str(TONE_RATE)]
    result = CliRunner().invoke(main, [*arguments, "--clip-ms", "500", "--workers", "1"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return root / "store"


SMALL = (
    "transform.n_fft=256",
    "transform.hop=128",
    "model.width=32",
    "model.neck=8",
    "model.latent_dim=8",
    "vocoder.iterations=8",
    "train.batch_size=16",
    "train.warmup_steps=2",
    "train.validate_every=20",
)


@pytest.fixture(scope="session")
def small() -> list[str]:
    """Options that make a model which trains in seconds."""
    return ["--model", "conv-vae", *(part for assignment in SMALL for part in ("--set", assignment))]


ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture(scope="session")
def trained(tone_store: Path, small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 60 steps that nothing stopped."""
    path = tmp_path_factory.mktemp("trained") / "run"
    command = [sys.executable, "-m", "genvae", "train", str(tone_store), "--run", str(path), "--steps", "60"]
    done = subprocess.run(
        [*command, "--seed", "5", *small], env=ONE_THREAD, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{path}\n"
    return path
