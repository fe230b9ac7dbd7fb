from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from genvae.errors import Cure, GenvaeError
from genvae.metrics.critic import Critic, Ratio
from genvae.metrics.genres import GenreClassifier

Points = dict[str, NDArray[np.float64]]
MIDDLES = {"near": [0, 0, 0, 0], "far": [4, 0, 0, 0], "odd": [0, 4, 0, 0]}
MADE = np.array([0, 0, 1.0, 0])  # where made clips lie from real ones


def normal(generator: np.random.Generator, count: int, away: NDArray[np.float64] | float = 0.0) -> Points:
    return {genre: generator.normal(size=(count, 4)) + middle + away for genre, middle in MIDDLES.items()}


@pytest.fixture(scope="module")
def points() -> Points:
    return normal(np.random.default_rng(0), 150)


@pytest.fixture(scope="module")
def critic(points: Points) -> Critic:
    made = normal(np.random.default_rng(1), 150, MADE)
    return Critic.fit({"first 1": points, "second 1": points}, {"first 1": made, "second 1": made})


def scores(critic: Critic, candidates: NDArray[np.float64], genre: str) -> NDArray[np.float64]:
    return critic.score(dict.fromkeys(critic.ratios, candidates), genre)


def test_a_clip_like_real_ones_of_its_genre_is_better_than_one_like_made_ones_or_of_another_genre(
    critic: Critic,
) -> None:
    real, made, other = scores(critic, np.array([[4.0, 0, 0, 0], [4.0, 0, 1, 0], [0.0, 0, 0, 0]]), "far")
    assert real > made > other


def test_a_ratio_is_that_of_the_two_densities() -> None:
    real, made = normal(np.random.default_rng(0), 1000), normal(np.random.default_rng(1), 1000, MADE)
    ratio = Ratio.fit(list(real.values()), list(made.values()))
    for label, middle in enumerate(MIDDLES.values()):
        tried = np.random.default_rng(2).normal(size=(200, 4)) + middle
        exact = (np.square(tried - middle - MADE).sum(axis=1) - np.square(tried - middle).sum(axis=1)) / 2
        assert ratio(tried, label) == pytest.approx(exact, abs=0.6)


def test_the_best_of_four_made_clips_come_nearer_to_real_ones(critic: Critic) -> None:
    made = normal(np.random.default_rng(3), 2000, MADE)
    for genre, middle in MIDDLES.items():
        best = scores(critic, made[genre], genre).reshape(-1, 4).argmax(axis=1)
        chosen = made[genre].reshape(-1, 4, 4)[np.arange(len(best)), best]
        assert np.abs(chosen.mean(axis=0) - middle).max() < 0.6 * np.abs(made[genre].mean(axis=0) - middle).max()


def test_an_odd_coordinate_decides_no_more_of_a_ratio_than_a_large_one(critic: Critic) -> None:
    large, odd = critic.ratios["first 1"](np.array([[4.0, 0, -9, 0], [4.0, 0, -1e6, 0]]), 1)
    assert odd == pytest.approx(large)


def test_a_critic_survives_being_saved(critic: Critic, points: Points, tmp_path: Path) -> None:
    critic.save(tmp_path / "critic.safetensors")
    again = Critic.load(tmp_path / "critic.safetensors")
    assert (list(again.ratios), again.classifier.genres) == (["first 1", "second 1"], ("near", "far", "odd"))
    assert scores(again, points["odd"], "odd") == pytest.approx(
        scores(critic, points["odd"], "odd"), rel=1e-4, abs=1e-4
    )


@pytest.mark.parametrize("damage", ["no file of tensors", "old", "other sizes"])
def test_a_critic_that_is_damaged_or_of_an_older_genvae_is_an_error_for_people(
    critic: Critic, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "critic.safetensors"
    critic.save(path)
    tensors = load_file(path)
    if damage == "no file of tensors":
        path.write_bytes(b"nothing")
    elif damage == "old":
        save_file(tensors, path, {"embedder": "ear 1", "genres": "near\nfar\nodd"})
    else:
        about = {"members": "first 1\nsecond 1", "genres": "near\nfar\nodd"}
        save_file({**tensors, "1.means": tensors["1.means"][:, :2].clone()}, path, about)
    with pytest.raises(GenvaeError, match="missing, damaged or too old") as raised:
        Critic.load(path)
    assert raised.value.cure == Cure.of("make_critic", run=tmp_path, store="STORE")


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
