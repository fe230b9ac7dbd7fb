"""Declares the variational autoencoders: `conv-vae`, the default, and `reference-vae`, the baseline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import genvae


@dataclass(frozen=True, kw_only=True)
class ConvVAEOptions:
    """Options of `conv-vae`.

    latent_dim: dimensions of the latent space. width: channels of every layer, a multiple of 8. neck: channels before
    the posterior. blocks: residual blocks at each resolution. beta: weight of the divergence. kl_warmup: batches over
    which that weight rises from zero. free_bits: nats of each dimension that cost nothing. learning_rate: of AdamW.
    texture: how much of the likelihood's spread `decode` draws when it generates, 0 to 1.
    """

    latent_dim: int = 128
    width: int = 256
    neck: int = 96
    blocks: int = 1
    beta: float = 1.0
    kl_warmup: int = 1000
    free_bits: float = 0.05
    learning_rate: float = 1e-3
    texture: float = 1.0

    def __post_init__(self) -> None:
        """Raise ValueError for sizes that make no model."""
        for name in ("latent_dim", "width", "neck", "blocks"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.width % 8:
            raise ValueError("width must be a multiple of 8")
        if min(self.beta, self.kl_warmup, self.free_bits, self.texture) < 0:
            raise ValueError("beta, kl_warmup, free_bits and texture must not be negative")
        if self.learning_rate <= 0:
            raise ValueError("learning_rate must be above 0")


@dataclass(frozen=True, kw_only=True)
class ReferenceVAEOptions:
    """Options of `reference-vae`; the defaults are the original's.

    reconstruction_weight: factor of the mean squared error against the divergence.
    """

    latent_dim: int = 128
    learning_rate: float = 5e-4
    reconstruction_weight: float = 1_000_000.0

    def __post_init__(self) -> None:
        """Raise ValueError for values that make no model."""
        if self.latent_dim < 1:
            raise ValueError("latent_dim must be at least 1")
        if self.reconstruction_weight < 0:
            raise ValueError("reconstruction_weight must not be negative")
        if self.learning_rate <= 0:
            raise ValueError("learning_rate must be above 0")


@genvae.hookimpl
def genvae_models() -> Iterator[genvae.ModelPlugin]:
    """Yield the models."""
    yield genvae.ModelPlugin(
        name="conv-vae",
        summary="A residual VAE, conditional on genre, that draws the texture of noise; the default.",
        factory="genvae_plugins.models.conv_vae:ConvVAE",
        options=ConvVAEOptions,
    )
    yield genvae.ModelPlugin(
        name="reference-vae",
        summary="The unconditional 2-D convolutional VAE of 'Generating Sound with Neural Networks'; the baseline.",
        factory="genvae_plugins.models.reference_vae:ReferenceVAE",
        options=ReferenceVAEOptions,
        conditional=False,
        suggests={
            "transform.n_fft": 512,
            "transform.hop": 256,
            "transform.scaling": "unit",
            "train.batch_size": 64,
            "train.schedule": "constant",
        },
    )
