from __future__ import annotations

import numpy as np
import torch
from sklearn.decomposition import PCA

from genvae.latents.pca import principal


def data(clips: int = 500, dim: int = 12) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    spread = torch.randn(dim, dim, generator=generator)
    return 5 + torch.randn(clips, dim, generator=generator) @ spread


def test_it_is_scikit_learns_with_a_full_decomposition() -> None:
    latents = data().double()
    ours = principal(latents)
    theirs = PCA(svd_solver="full").fit(latents.numpy())
    turned = np.sign((theirs.components_ * ours.axes.numpy()).sum(axis=1))
    np.testing.assert_allclose(ours.axes, turned[:, None] * theirs.components_, atol=1e-9)
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_, atol=1e-12)
    np.testing.assert_allclose(ours.deviation.square(), theirs.explained_variance_, rtol=1e-9)
    np.testing.assert_allclose(ours.mean, theirs.mean_)


def test_single_precision_costs_a_millionth_of_the_spread() -> None:
    latents = data(5000)
    single, double = principal(latents), principal(latents.double())
    placed = [single.plane(latents), double.plane(latents.double())]
    assert float((placed[0] - placed[1]).abs().max() / placed[1].std()) < 1e-5


def test_the_order_of_the_clips_turns_no_axis() -> None:
    latents = data()
    torch.testing.assert_close(principal(latents.flip(0)).axes, principal(latents).axes, atol=1e-5, rtol=0)


def test_the_largest_entry_of_each_axis_is_positive() -> None:
    axes = principal(data()).axes
    assert (axes.max(dim=1).values == axes.abs().max(dim=1).values).all()


def test_latents_that_are_all_alike_have_axes_all_the_same() -> None:
    made = principal(torch.ones(5, 3))
    assert made.explained.tolist() == [0, 0, 0]
    torch.testing.assert_close(made.axes @ made.axes.T, torch.eye(3, dtype=torch.float64))
