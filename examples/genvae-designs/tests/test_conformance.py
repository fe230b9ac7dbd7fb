"""The checks of genvae's conformance kit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from genvae_designs.bottles import draw, random_factors
from PIL import Image

from genvae.testing import BoundCheck, parametrize_checks

SMALL = {
    "model.latent_dim": 16,
    "model.width": 64,
    "model.components": 32,
    "model.learning_rate": 5e-3,
    "model.beta": 0.1,
}


def pictures(folder: Path) -> Path:
    """Two folders of three bottles each."""
    for number, picture in enumerate(draw(random_factors(6, seed=0))):
        path = folder / ("low", "tall")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(path)
    return folder


@parametrize_checks("bottles", kind="dataset", options={"dataset.count": 130})
def test_bottles(check: BoundCheck) -> None:
    check()


@parametrize_checks("pictures", kind="dataset", source=pictures, options={"dataset.augment": 2})
def test_pictures(check: BoundCheck) -> None:
    check()


@parametrize_checks("pixels", kind="transform")
def test_pixels(check: BoundCheck) -> None:
    check()


@parametrize_checks("design-vae", kind="model", options=SMALL)
def test_design_vae(check: BoundCheck) -> None:
    check()
