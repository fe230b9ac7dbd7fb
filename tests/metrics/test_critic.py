from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from genvae.errors import GenvaeError
from genvae.metrics.critic import Critic
from genvae.metrics.genres import GenreClassifier

Points = dict[str, NDArray[np.float64]]


@pytest.fixture(scope="module")
def points() -> Points:
    generator = np.random.default_rng(0)
    middles = {"near": [0, 0, 0, 0], "far": [4, 0, 0, 0], "odd": [0, 4, 0, 0]}
    return {genre: generator.normal(size=(150, 4)) + middle for genre, middle in middles.items()}


def test_a_clip_in_the_middle_of_its_genre_is_better_than_one_of_another_or_of_none(points: Points) -> None:
    critic = Critic.fit(points, "test 1")
    candidates = np.array([[4.0, 0, 0, 0], [2.0, 0, 0, 0], [0.0, 0, 0, 0], [4.0, 0, 0, 30]])
    scores = critic.score(candidates, "far")
    assert scores.argmax() == 0
    assert scores[0] > scores[1] > scores[2]
    assert np.isfinite(scores).all()
    assert scores[3] == scores.min()  # the classifier alone would take it


def test_a_critic_survives_being_saved(points: Points, tmp_path: Path) -> None:
    critic = Critic.fit(points, "test 1")
    critic.save(tmp_path / "critic.safetensors")
    again = Critic.load(tmp_path / "critic.safetensors")
    assert (again.embedder, again.classifier.genres) == ("test 1", ("near", "far", "odd"))
    assert again.score(points["odd"], "odd") == pytest.approx(critic.score(points["odd"], "odd"), rel=1e-4, abs=1e-4)


def test_a_damaged_critic_is_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "critic.safetensors").write_bytes(b"nothing")
    with pytest.raises(GenvaeError, match="damaged"):
        Critic.load(tmp_path / "critic.safetensors")


def test_the_classifier_is_as_good_as_the_best_rule_for_gaussians(points: Points) -> None:
    fresh = np.random.default_rng(1)
    middles = np.array([[0, 0, 0, 0], [4, 0, 0, 0], [0, 4, 0, 0]])
    tried = {genre: fresh.normal(size=(2000, 4)) + middle for genre, middle in zip(points, middles, strict=True)}
    nearest = [
        np.linalg.norm(own[:, None] - middles, axis=2).argmin(axis=1) == label
        for label, own in enumerate(tried.values())
    ]
    assert GenreClassifier.fit(points).accuracy(tried) == pytest.approx(np.mean(nearest), abs=0.01)


def test_genres_count_equally_however_many_clips_they_have() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2000, 1)), generator.normal(size=(50, 1)) + 2
    fitted = GenreClassifier.fit({"a": a, "b": b})
    right = [fitted.log_probabilities(own).argmax(axis=1) == label for label, own in enumerate((a, b))]
    assert right[0].mean() == pytest.approx(right[1].mean(), abs=0.1)
