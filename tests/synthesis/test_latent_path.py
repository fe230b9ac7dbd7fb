from __future__ import annotations

import math

import pytest
import torch

from genvae.synthesis.latent_path import LatentPath, slerp


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_slerp_begins_and_ends_at_the_vectors_to_the_bit() -> None:
    a, b = random(64), 3 * random(64, seed=1)
    made = slerp(a, b, torch.tensor([0.0, 1.0]))
    assert torch.equal(made[0], a)
    assert torch.equal(made[1], b)


def test_slerp_of_unit_vectors_is_the_rotation_between_them() -> None:
    t = torch.linspace(0, 1, 7, dtype=torch.float64)
    made = slerp(torch.tensor([1.0, 0.0, 0.0]).double(), torch.tensor([0.0, 1.0, 0.0]).double(), t)
    expected = torch.stack([torch.cos(t * math.pi / 2), torch.sin(t * math.pi / 2), torch.zeros(7)], dim=1)
    torch.testing.assert_close(made, expected)


def test_slerp_keeps_the_length_of_vectors_that_share_one() -> None:
    a, b = random(128), random(128, seed=1)
    b = b * a.norm() / b.norm()
    lengths = slerp(a, b, torch.linspace(0, 1, 20)).norm(dim=1)
    torch.testing.assert_close(lengths, a.norm().expand(20))


@pytest.mark.parametrize("factor", [0.0, 1.0, 2.0, -1.0])
def test_slerp_of_parallel_and_opposite_vectors_is_finite_and_straight(factor: float) -> None:
    a = random(8)
    made = slerp(a, factor * a, torch.tensor([0.25]))
    torch.testing.assert_close(made[0], (0.75 + 0.25 * factor) * a)


def test_a_path_passes_its_knots_at_equal_times() -> None:
    z = random(4, 16)
    path = LatentPath.of(z, ["a", "b", "c", "a"])
    assert [path.at(n / 3).genre for n in range(3)] == ["a", "b", "c"]
    for number in range(4):
        torch.testing.assert_close(path.at(number / 3).latent, z[number], rtol=1e-5, atol=1e-5)
    assert torch.equal(path.at(-1).latent, z[0])
    assert torch.equal(path.at(2).latent, z[3])


def test_a_path_of_one_knot_stays_there() -> None:
    z = random(1, 16)
    for t in (0.0, 0.5, 1.0):
        place = LatentPath.of(z, ["a"]).at(t)
        assert torch.equal(place.latent, z[0])
        assert (place.genre, place.share) == ("a", 0.0)
