"""Declares the datasets `bottles` and `pictures`, `pixels` and `design-vae`; imports neither NumPy nor torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import genvae

ITEMS = "genvae_designs.items:Pictures"


@dataclass(frozen=True, kw_only=True)
class BottleOptions:
    """Options of `bottles`.

    Attributes:
        count: number of designs.
        seed: a seed gives the same designs each time, another one gives others.
    """

    count: int = 4096
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or self.seed < 0:
            raise ValueError("count must be 1 or more, and seed must not be negative.")


@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """Options of `pictures`.

    Attributes:
        augment: variants of each picture beside the picture itself: zoomed, shifted, and mirrored or not.
        zoom_from: least factor of the zoom.
        zoom_to: greatest factor of the zoom.
        shift: greatest shift in each direction, as a share of the side.
        mirror: whether a variant may be mirrored.
        seed: of the variants.
    """

    augment: int = 16
    zoom_from: float = 0.7
    zoom_to: float = 1.3
    shift: float = 0.08
    mirror: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.augment < 0 or self.seed < 0:
            raise ValueError("augment and seed must not be negative.")
        if not 0.1 <= self.zoom_from <= self.zoom_to <= 4:
            raise ValueError("zoom_from and zoom_to must satisfy .1 <= zoom_from <= zoom_to <= 4.")
        if not 0 <= self.shift <= 0.5:
            raise ValueError("shift must be from 0 to .5.")


@dataclass(frozen=True, kw_only=True)
class DesignVAEOptions:
    """Options of `design-vae`.

    Attributes:
        latent_dim: numbers that stand for a design; with 2 they are a plane.
        likelihood: of a grey pixel, `logistic` (discretised, 256 levels) or `bernoulli`.
        beta: weight of the KL divergence.
        width: of the hidden layers.
        components: principal components of the pictures that the networks work on.
        learning_rate: of Adam.
    """

    latent_dim: int = 2
    likelihood: Literal["logistic", "bernoulli"] = "bernoulli"
    beta: float = 1.0
    width: int = 256
    components: int = 192
    learning_rate: float = 2e-3

    def __post_init__(self) -> None:
        if min(self.latent_dim, self.width, self.components) < 1:
            raise ValueError("latent_dim, width and components must be 1 or more.")
        if not (self.beta >= 0 and self.learning_rate > 0):
            raise ValueError("beta must not be negative, and learning_rate must be above 0.")


@genvae.hookimpl
def genvae_datasets() -> Iterator[genvae.DatasetPlugin]:
    """Declare the datasets."""
    yield genvae.DatasetPlugin(
        name="bottles",
        summary="Procedural bottles with ten known factors, as grey pictures of 128 x 128; SOURCE is any name.",
        factory="genvae_designs.datasets:Bottles",
        options=BottleOptions,
        items=ITEMS,
    )
    yield genvae.DatasetPlugin(
        name="pictures",
        summary="A folder of pictures, or of one folder for each kind, made grey and square, with variants of each.",
        factory="genvae_designs.datasets:Pictures",
        options=PictureOptions,
        items=ITEMS,
    )


@genvae.hookimpl
def genvae_transforms() -> Iterator[genvae.TransformPlugin]:
    """Declare the transform."""
    yield genvae.TransformPlugin(
        name="pixels",
        summary="A picture as it is, for the model design-vae and the vocoder identity.",
        factory="genvae_designs.pixels:Pixels",
        differentiable=True,
        items=ITEMS,
    )


@genvae.hookimpl
def genvae_models() -> Iterator[genvae.ModelPlugin]:
    """Declare the model."""
    yield genvae.ModelPlugin(
        name="design-vae",
        summary="Two latents, or more, for a picture.",
        factory="genvae_designs.model:DesignVAE",
        options=DesignVAEOptions,
        suggests={"train.batch_size": 32},
        conditional=True,
    )
