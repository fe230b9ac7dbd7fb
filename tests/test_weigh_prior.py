"""The tool that weighs the Gaussians of a run's prior: what is made comes to be spread like what is real."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import genvae
import weigh_prior
from genvae.pipeline import Pipeline
from genvae.plugin.registry import installed
from genvae.run import Run

OPTIONS = {"train.batch_size": 8, "train.callbacks": (), "prior.latents": 2, "prior.rank": 2}
DRAWS = 200


def points(seed: int, middle: tuple[float, float], count: int = DRAWS) -> weigh_prior.Array:
    """Points [count, 2] around a middle."""
    return np.random.default_rng(seed).normal(middle, 0.3, (count, 2))


def test_weights_are_the_shares_of_which_what_is_real_is_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weigh_prior, "STAYING", 1e-3)
    places = [(0.0, 0.0), (4.0, 0.0), (0.0, 4.0)]
    made = np.concatenate([points(seed, place) for seed, place in enumerate(places)])
    counts = (600, 300, 100)
    real = np.concatenate([points(9, place, count) for place, count in zip(places, counts, strict=True)])
    found = weigh_prior.weighed(np.full(3, 1 / 3), [(made, real)], np.zeros(3))
    assert found == pytest.approx([0.6, 0.3, 0.1], abs=0.03)


def test_weights_stay_where_nothing_is_gained(monkeypatch: pytest.MonkeyPatch) -> None:
    made = np.concatenate([points(seed, (1.0, 2.0)) for seed in range(3)])
    before = np.array([0.2, 0.5, 0.3])
    found = weigh_prior.weighed(before, [(made, points(9, (1.0, 2.0)))], np.zeros(3))
    assert found == pytest.approx(before, abs=0.02)


def test_what_is_liked_by_a_nat_more_is_drawn_so_much_oftener() -> None:
    made = np.concatenate([points(0, (1.0, 2.0))] * 2)  # so that nothing else tells the two
    found = weigh_prior.weighed(np.array([0.5, 0.5]), [(made, points(9, (1.0, 2.0)))], np.array([0.0, -1.0]))
    assert found[0] / found[1] == pytest.approx(np.e, rel=1e-3)


@pytest.fixture(scope="module")
def source(tone_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "run"
    genvae.train(tone_store, path, model="conv-vae", prior="local", steps=2, options=OPTIONS, progress=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("genvae.metrics.candidates.CLIPS", 12)
        genvae.make_critic(path, tone_store, progress=False)
    return path


def weigh(monkeypatch: pytest.MonkeyPatch, source: Path, store: Path, new: Path) -> Pipeline:
    monkeypatch.setattr(sys, "argv", ["weigh_prior.py", str(source), str(store), str(new), "--draws", "2"])
    weigh_prior.main()
    return Run(new).load(installed())


def test_a_run_keeps_all_but_the_weights_of_its_prior(
    monkeypatch: pytest.MonkeyPatch, source: Path, tone_store: Path, tmp_path: Path
) -> None:
    after = weigh(monkeypatch, source, tone_store, tmp_path / "new").state_dict()
    before = Run(source).load(installed()).state_dict()
    assert {name for name in before if not torch.equal(before[name], after[name])} == {"prior.weights"}
    weights = after["prior.weights"]
    assert torch.allclose(weights.sum(1), torch.ones(len(weights)))
    assert torch.equal(weights > 0, before["prior.weights"] > 0)
    assert (tmp_path / "new" / "latents.safetensors").read_bytes() == (source / "latents.safetensors").read_bytes()


def test_another_prior_has_no_gaussians_to_weigh(
    monkeypatch: pytest.MonkeyPatch, source: Path, tone_store: Path, tmp_path: Path
) -> None:
    genvae.train(tone_store, tmp_path / "other", source=source, prior="gaussian", steps=0, progress=False)
    (tmp_path / "other" / "critic.safetensors").write_bytes((source / "critic.safetensors").read_bytes())
    with pytest.raises(SystemExit, match="another kind than `local`"):
        weigh(monkeypatch, tmp_path / "other", tone_store, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_run_that_is_there_is_not_written_over(
    monkeypatch: pytest.MonkeyPatch, source: Path, tone_store: Path
) -> None:
    with pytest.raises(SystemExit, match="there already"):
        weigh(monkeypatch, source, tone_store, source)
