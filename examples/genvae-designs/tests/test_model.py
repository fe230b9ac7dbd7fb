"""The model's likelihood and its principal components, and the scores, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from genvae_designs import scores
from genvae_designs.model import discretised_logistic


@pytest.mark.parametrize("mean", [0.0, 0.31, 1.0])
@pytest.mark.parametrize("log_scale", [-5.0, -2.0, 0.0])
def test_the_discretised_logistic_gives_all_levels_together_probability_one(mean: float, log_scale: float) -> None:
    levels = torch.linspace(0, 1, 256, dtype=torch.float64)[:, None]
    scale = torch.tensor([log_scale], dtype=torch.float64)
    nll = discretised_logistic(levels, torch.full_like(levels, mean), scale)
    assert float(torch.exp(-nll).sum()) == pytest.approx(1, abs=1e-6)


def test_factors_are_recovered_from_latents_that_hold_them_and_not_from_noise() -> None:
    generator = np.random.default_rng(0)
    factors = generator.random((2000, 10))
    latents = np.stack([-3 * factors[:, 0], generator.normal(size=2000)], axis=1)
    found = scores.recovered(latents, factors)
    assert found["height"] == pytest.approx(1)
    assert found["width"] < 0.1


def test_a_named_direction_points_along_the_latents_that_make_the_factor() -> None:
    generator = np.random.default_rng(0)
    latents = generator.normal(size=(500, 3))
    factors = np.tile((latents @ [3.0, 0.0, 4.0])[:, None], 10)
    directions, explained = scores.named_directions(latents, factors)
    np.testing.assert_allclose(directions[1], [0.6, 0, 0.8], atol=1e-9)
    assert explained["width"] == pytest.approx(1)


def test_identical_pictures_have_the_best_scores_and_a_stored_one_no_novelty() -> None:
    pictures = np.random.default_rng(0).random((60, 128, 128)).astype(np.float32)
    assert scores.reconstruction(pictures[:2], pictures[:2])["ssim"] == pytest.approx(1)
    assert scores.reconstruction(pictures[:2], pictures[:2] * 0.5)["ssim"] < 0.9
    assert scores.nearest(pictures[:3], pictures) == pytest.approx(0, abs=1e-6)
    made = scores.distances(pictures[:20], pictures[20:], 1 - pictures[:20])
    assert made["pictures"] == 20
    assert made["novelty"] > 0.3
