"""The tool that gives the codes of a run more numbers: what was known stays, and the codes leave less over."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import genvae
import widen_codes
from genvae.clips.store import ClipStore
from genvae.pipeline import Pipeline
from genvae.plugin.registry import installed
from genvae.run import Run

OPTIONS = {
    "transform.n_fft": 256,
    "transform.hop": 64,
    "train.batch_size": 8,
    "train.callbacks": (),
    "model.latent_dim": 6,
    "model.width": 32,
    "model.depth": 1,
    "model.vae_depth": 1,
    "model.components": 16,
    "model.painted": 0.5,
    "model.painter_width": 16,
}


@pytest.fixture(scope="module")
def source(tone_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "run"
    genvae.train(tone_store, path, model="flow-vae", prior="gaussian", steps=6, options=OPTIONS, progress=False)
    return path


def widened(monkeypatch: pytest.MonkeyPatch, source: Path, store: Path, new: Path, numbers: int) -> None:
    monkeypatch.setattr(sys, "argv", ["widen_codes.py", str(source), str(store), str(new), "--numbers", str(numbers)])
    widen_codes.main()


@pytest.fixture
def pair(
    monkeypatch: pytest.MonkeyPatch, source: Path, tone_store: Path, tmp_path: Path
) -> tuple[Pipeline, Pipeline, torch.Tensor]:
    """A run, the same with more numbers a code, and features of all its clips."""
    widened(monkeypatch, source, tone_store, tmp_path / "wide", 24)
    before, after = (Run(path).load(installed()) for path in (source, tmp_path / "wide"))
    store = ClipStore.open(tone_store)
    return before, after, before.features(torch.from_numpy(store.waves(store.select(split="train"))))


def test_posteriors_means_and_their_sound_stay(pair: tuple[Pipeline, Pipeline, torch.Tensor]) -> None:
    before, after, features = pair
    genre = torch.zeros(len(features), dtype=torch.int64)
    old, new = (pipeline.posterior(features, genre) for pipeline in (before, after))
    assert torch.allclose(old.mean, new.mean, atol=1e-5)
    blurred = [pipeline.decoded(old.mean, genre) for pipeline in (before, after)]
    assert torch.allclose(*blurred, atol=1e-4)


@torch.no_grad()
def test_codes_keep_their_numbers_and_leave_less_over(pair: tuple[Pipeline, Pipeline, torch.Tensor]) -> None:
    before, after, features = pair
    old, new = (pipeline.model.patches for pipeline in (before, after))
    codes = new.encode(features)
    assert torch.allclose(codes[..., :16], old.encode(features), atol=1e-4)
    added = codes[..., 16:].flatten(0, 1)
    assert torch.allclose(added.std(0) / new.deviation[16:], torch.ones(8), atol=0.1)
    assert bool((new.deviation.diff() < 1e-3).all())
    left = [(features - patches.decode(patches.encode(features))).square().mean() for patches in (old, new)]
    assert left[1] < 0.9 * left[0]


def test_training_goes_on_from_it(
    monkeypatch: pytest.MonkeyPatch, source: Path, tone_store: Path, tmp_path: Path
) -> None:
    widened(monkeypatch, source, tone_store, tmp_path / "wide", 20)
    genvae.train(tone_store, tmp_path / "further", source=tmp_path / "wide", steps=2, progress=False)
    assert Run(tmp_path / "further").config.model.options["components"] == 20


def test_a_code_can_not_be_narrowed(
    monkeypatch: pytest.MonkeyPatch, source: Path, tone_store: Path, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit, match="no flow-vae with fewer numbers than 16"):
        widened(monkeypatch, source, tone_store, tmp_path / "wide", 16)
    assert not (tmp_path / "wide").exists()
