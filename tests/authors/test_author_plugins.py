"""Nine plugins as researchers write them, from the docs alone: they install, pass their checks, train and generate."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
import torch

import genvae
from genvae.testing.sounds import GENRES, music, recording

PROJECT = Path(__file__).parent / "genvae-authors"
RATE = 4000
SMALL = ("model.width=64", "model.latent_dim=8", "train.batch_size=8", "train.warmup_steps=2", "train.callbacks=csv")
STFT = ("transform.n_fft=256", "transform.hop=128", "vocoder.iterations=4")
CHECKED: dict[str, tuple[str, ...]] = {
    "parquet": (),
    "mdct": (),
    "imdct": (),
    "iaf-vae": ("model.width=64", "model.latent_dim=8"),
    "ladder-vae": ("model.width=64", "model.latent_dim=8"),
    "spectral-gan": ("model.width=64", "model.latent_dim=8", "model.first_stage=0.05"),
    "kernels": (),
    "vamp": ("prior.inputs=8", "prior.steps=10"),
    "adversary": ("vocoder.width=16",),
}
"""Every plugin, and the options with which it is checked sooner."""


def assigned(*options: str) -> list[str]:
    return [part for each in options for part in ("--set", each)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution, installed from a wheel into a folder; genvae and its dependencies are this environment's."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target"]
    subprocess.run([*pip, folder, PROJECT], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file of three recordings of two seconds in each of two genres."""
    rows = [
        {
            "id": f"{genre}/{number}",
            "genre": genre,
            "sample_rate": RATE,
            "samples": recording(genre, number, RATE).tolist(),
        }
        for genre in GENRES
        for number in range(3)
    ]
    path = tmp_path_factory.mktemp("table") / "music.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def run(site: Path, *words: object) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "genvae", *map(str, words)]
    done = subprocess.run(command, env=environment, cwd=site, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def store(site: Path, table: Path) -> Path:
    path = table.parent / "store"
    told = ("--sample-rate", RATE, "--clip-ms", 500, "--workers", 1)
    run(site, "prepare", table, "--dataset", "parquet", "--out", path, *told)
    return path


def generated(site: Path, path: Path, *more: str) -> np.ndarray:
    """A clip of a run, made in a process of its own."""
    file = path.parent / f"{path.name}.wav"
    run(site, "generate", "--run", path, "--genre", "low", "--seed", 1, "-o", file, *more)
    wave, rate = soundfile.read(file)
    assert (len(wave), rate) == (RATE // 2, RATE)
    return wave


def test_each_is_declared_without_a_flaw(site: Path) -> None:
    rows = json.loads(run(site, "plugins", "list", "--json").stdout)
    assert {row["name"]: row["state"] for row in rows if row["distribution"] == "genvae-authors"} == dict.fromkeys(
        CHECKED, "ok"
    )


def test_the_mdct_is_inverted_up_to_the_middle_of_its_last_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PROJECT)
    from genvae_authors import MdctOptions
    from genvae_authors.mdct import InverseMdct, Mdct

    wave = music(5000, RATE)
    transform = Mdct(MdctOptions(hop=64), sample_rate=RATE)
    coefficients = transform.invert(transform(wave))
    again = InverseMdct(None, spec=transform.spec)(coefficients, length=5000)
    assert torch.allclose(again[:, : 64 * (5000 // 64)], wave[:, : 64 * (5000 // 64)], atol=1e-5)
    assert float(coefficients.square().sum()) == pytest.approx(float(wave.square().sum()), rel=0.02)  # Parseval


class Narrow(genvae.Model):
    """Features are latents [2, 1], and a posterior is narrow around them."""

    latent_dim = 2

    def encode(self, features: torch.Tensor, genre: torch.Tensor) -> genvae.Posterior:
        return genvae.Posterior(features.flatten(1), torch.full((len(features), 2), -4.0))

    def decode(self, z: torch.Tensor, genre: torch.Tensor, *, generator: torch.Generator | None = None) -> torch.Tensor:
        return z.unsqueeze(2)

    def loss(
        self, features: torch.Tensor, genre: torch.Tensor, *, generator: torch.Generator
    ) -> dict[str, torch.Tensor]:
        raise NotImplementedError


def test_the_learnt_inputs_make_latents_as_likely_as_those_that_they_were_drawn_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four clips, each many times: their posteriors' average is what no prior can be better than."""
    monkeypatch.syspath_prepend(PROJECT)
    from genvae_authors import VampOptions
    from genvae_authors.vamp import Vamp, log_average

    spec = genvae.FeatureSpec(kind="picture", bins=2, scale="linear")
    model = Narrow(None, spec=spec, frames=1, genres=["low"])
    clips = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]).repeat(500, 1)
    genre = torch.zeros(len(clips), dtype=torch.int64)
    with torch.no_grad():
        posterior = model.encode(clips.unsqueeze(2), genre)
        z = posterior.sample(torch.Generator().manual_seed(0))
        likelihoods = []
        for steps in (0, 200):
            prior = Vamp(VampOptions(inputs=64, steps=steps), latent_dim=2, genres=["low"])
            generator = torch.Generator().manual_seed(1)
            prior.fit_posteriors(posterior, z, genre, model=model, generator=generator)
            log_variance = 2 * prior.factor[0].diagonal(dim1=1, dim2=2).log()
            likelihoods.append(float(log_average(z, genvae.Posterior(prior.mean[0], log_variance)).mean()))
    entropy = math.log(4) + 2 * (0.5 * math.log(2 * math.pi * math.e) - 2)  # of four Gaussians, far apart
    assert likelihoods[0] < -entropy - 0.1
    assert likelihoods[1] == pytest.approx(-entropy, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKED)
def test_each_passes_its_checks(site: Path, table: Path, name: str) -> None:
    source = ["--source", table] if name == "parquet" else []
    shown = run(site, "plugins", "check", name, *source, *assigned(*CHECKED[name])).stdout
    assert "passed" in shown
    assert "failed" not in shown


@pytest.mark.slow
@pytest.mark.parametrize("prior", ["kernels", "vamp"])
def test_a_run_of_the_data_set_the_transform_a_model_and_a_prior_generates(
    site: Path, store: Path, tmp_path: Path, prior: str
) -> None:
    path = tmp_path / "run"
    parts = ("--transform", "mdct", "--vocoder", "imdct", "--model", "iaf-vae", "--prior", prior)
    run(site, "train", store, "--run", path, "--steps", 40, *parts, *assigned("transform.hop=64", *SMALL))
    assert float(np.abs(generated(site, path)).max()) > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("model", ["ladder-vae", "spectral-gan"])
def test_the_models_train_and_generate(site: Path, store: Path, tmp_path: Path, model: str) -> None:
    path = tmp_path / "run"
    run(site, "train", store, "--run", path, "--steps", 60, "--model", model, *assigned(*STFT, *SMALL))
    log = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in log if line["kind"] == "train"]
    assert steps[-1]["squared_error"] < steps[0]["squared_error"]
    if model == "spectral-gan":
        assert "discriminator" not in steps[0]
        assert "discriminator" in steps[-1]
        assert json.loads((path / "pipeline.json").read_text())["training"]["options"]["ema"] == 0.99
    assert float(np.abs(generated(site, path)).max()) > 1e-3


@pytest.mark.slow
def test_the_vocoder_learns_for_a_run_which_then_generates_with_it(site: Path, store: Path, tmp_path: Path) -> None:
    plain, path = tmp_path / "plain", tmp_path / "run"
    run(site, "train", store, "--run", plain, "--steps", 2, "--model", "ladder-vae", *assigned(*STFT, *SMALL))
    told = assigned("vocoder.width=16", "train.batch_size=8", "train.validate_every=20", "train.ema=0.9")
    run(site, "train-vocoder", store, "--for", plain, "--vocoder", "adversary", "--run", path, "--steps", 60, *told)
    log = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    distances = [line["distance_db"] for line in log if line["kind"] == "validation"]
    assert distances[-1] < distances[0]
    assert float(np.abs(generated(site, path)).max()) > 1e-3
