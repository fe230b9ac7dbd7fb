from __future__ import annotations

import json

import torch

from genvae.latents import LatentMap
from genvae.plugin.registry import installed
from genvae.run import Run


def test_a_map_is_made_from_the_runs_latents(genvae, tiny_run):
    result = genvae("map", tiny_run.path, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["clips"] == {"drum & bass": 4, "rock": 4, "techno": 4}
    assert 0 < told["explained"][1] <= told["explained"][0] < 1
    assert len(LatentMap.load(tiny_run, "pca").points) == 12


def test_a_run_without_latents_takes_them_from_its_store(genvae, tone_store, small, tmp_path):
    run = tmp_path / "run"
    trained = genvae("train", tone_store, "--run", run, "--steps", 5, "--seed", 0, *small)
    assert trained.exit_code == 0, trained.output
    at_the_end = LatentMap.load(Run(run), "pca")
    (run / "latents.safetensors").unlink()
    (run / "map.safetensors").unlink()
    assert "genvae map" in genvae("map", run).stderr
    result = genvae("map", run, "--store", tone_store)
    assert result.exit_code == 0, result.output
    torch.testing.assert_close(LatentMap.load(Run(run), "pca").points, at_the_end.points, atol=1e-3, rtol=1e-3)
    assert Run(run).load(installed()).model.latent_dim == at_the_end.latents.shape[1]


def test_another_store_is_refused(genvae, tone_store, tiny_run):
    tiny_run.latents_path.unlink()
    result = genvae("map", tiny_run.path, "--store", tone_store)
    assert result.exit_code == 4
    assert "was trained on another store" in result.stderr
