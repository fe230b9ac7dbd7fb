"""Declares the variational autoencoders, and what can be set of each (no torch here)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import genvae


@dataclass(frozen=True, kw_only=True)
class ConvOptions:
    """Options of the networks that convolve over time, and of how they are trained."""

    width: Annotated[int, genvae.Option("channels of every layer, a multiple of 8", least=1, most=8192)] = 256
    neck: Annotated[int, genvae.Option("channels before the latents", least=1, most=8192)] = 96
    blocks: Annotated[int, genvae.Option("residual blocks at each resolution", least=1, most=64)] = 1
    learning_rate: Annotated[float, genvae.Option("of AdamW", above=0)] = 1e-3
    texture: Annotated[
        float,
        genvae.Option(
            "how much of the likelihood's spread `decode` draws when it generates",
            least=0,
            most=10,
        ),
    ] = 1.0

    def __post_init__(self) -> None:
        """Raise ValueError for values that make no model."""
        if self.width % 8:
            raise ValueError("width must be a multiple of 8")


@dataclass(frozen=True, kw_only=True)
class ConvVAEOptions(ConvOptions):
    """Options of `conv-vae`: those of its networks, and these."""

    latent_dim: Annotated[int, genvae.Option("dimensions of the latent space", least=1, most=65536)] = 128
    beta: Annotated[float, genvae.Option("weight of the KL divergence", least=0)] = 1.0
    kl_warmup: Annotated[int, genvae.Option("batches over which that weight rises from zero", least=0)] = 1000
    free_bits: Annotated[float, genvae.Option("nats of each dimension that cost nothing", least=0)] = 0.05


@dataclass(frozen=True, kw_only=True)
class BetaVAEOptions(ConvVAEOptions):
    """Options of `beta-vae`: those of `conv-vae`, with a larger KL weight and no free bits."""

    beta: Annotated[float, genvae.Option("weight of the KL divergence", least=0)] = 4.0
    free_bits: Annotated[float, genvae.Option("nats of each dimension that cost nothing", least=0)] = 0.0


@dataclass(frozen=True, kw_only=True)
class VAEGANOptions(ConvVAEOptions):
    """Options of `vae-gan`: those of `conv-vae`, and of its second stage."""

    first_stage: Annotated[int, genvae.Option("batches before the discriminator comes", least=0)] = 2000
    matching: Annotated[float, genvae.Option("weight of the difference in what the discriminator sees", least=0)] = 1.0
    adversarial: Annotated[float, genvae.Option("weight of its verdict", least=0)] = 0.1


@dataclass(frozen=True, kw_only=True)
class WAEOptions(ConvOptions):
    """Options of `wae`: those of its networks, and these."""

    latent_dim: Annotated[int, genvae.Option("dimensions of the latent space", least=1, most=65536)] = 128
    discrepancy: Annotated[
        float,
        genvae.Option(
            "weight of the latents' discrepancy from the standard normal, in nats a clip for each unit of it",
            least=0,
        ),
    ] = 1000.0


@dataclass(frozen=True, kw_only=True)
class VQVAEOptions(ConvOptions):
    """Options of `vq-vae`: those of its networks, and these."""

    codes: Annotated[int, genvae.Option("entries of a codebook", least=1, most=65536)] = 256
    groups: Annotated[int, genvae.Option("codebooks, each with a code at every place in time", least=1, most=1024)] = 8
    code_dim: Annotated[int, genvae.Option("numbers in a code", least=1, most=1024)] = 8
    commitment: Annotated[float, genvae.Option("weight of what holds the encodings to the codes", least=0)] = 0.25


@dataclass(frozen=True, kw_only=True)
class FlowVAEOptions:
    """Options of `flow-vae`."""

    latent_dim: Annotated[int, genvae.Option("dimensions of the latent space", least=1, most=65536)] = 64
    patch: Annotated[int, genvae.Option("frames in a patch", least=1, most=1024)] = 4
    components: Annotated[int, genvae.Option("numbers in a patch's code", least=1, most=8192)] = 128
    width: Annotated[int, genvae.Option("channels of the flow; the VAE is half as wide", least=1, most=8192)] = 256
    depth: Annotated[int, genvae.Option("blocks of the flow", least=1, most=256)] = 6
    vae_depth: Annotated[int, genvae.Option("blocks of the VAE's encoder and of its decoder", least=1, most=256)] = 2
    nats: Annotated[float, genvae.Option("what a latent tells of a clip, its KL divergence, on average", above=0)] = (
        100.0
    )
    learning_rate: Annotated[float, genvae.Option("of AdamW", above=0)] = 1e-3
    flow_steps: Annotated[int, genvae.Option("in which `decode` draws", least=1, most=1000)] = 4
    guidance: Annotated[
        float,
        genvae.Option(
            "1 draws from what was learnt, more exaggerates what the latent says",
        ),
    ] = 1.0
    latent_noise: Annotated[
        float,
        genvae.Option(
            "how inexact the flow takes a latent to be, as a standard deviation",
            least=0,
        ),
    ] = 0.2
    texture: Annotated[float, genvae.Option("how much of the noise that was learnt is drawn", least=0, most=10)] = 0.5
    painted: Annotated[
        float,
        genvae.Option(
            "part of each batch from which a painter learns, an eighth of which takes a third of a step's time; 0 for "
            "none, and all of it where train.only lets nothing but painter and jury learn",
            least=0,
            most=1,
        ),
    ] = 0.0
    painter_width: Annotated[int, genvae.Option("channels of the painter", least=1, most=8192)] = 256
    painter_depth: Annotated[int, genvae.Option("residual blocks of the painter", least=0, most=64)] = 3
    preconditioned: Annotated[
        bool,
        genvae.Option("whether the flow is scaled by the codes' deviations, as in all but the oldest runs"),
    ] = True

    def __post_init__(self) -> None:
        """Raise ValueError for sizes that make no model."""
        if self.width % 16 or (self.width > 128 and self.width % 128):
            raise ValueError("width must be a multiple of 16, and of 128 above that")


@dataclass(frozen=True, kw_only=True)
class ReferenceVAEOptions:
    """Options of `reference-vae`; the defaults are the original's."""

    latent_dim: Annotated[int, genvae.Option("dimensions of the latent space", least=1, most=65536)] = 128
    learning_rate: Annotated[float, genvae.Option("of Adam", above=0)] = 5e-4
    reconstruction_weight: Annotated[
        float,
        genvae.Option(
            "factor of the mean squared error against the KL divergence",
            least=0,
        ),
    ] = 1_000_000.0


@genvae.hookimpl
def genvae_models() -> Iterator[genvae.ModelPlugin]:
    """Yield the models."""
    yield genvae.ModelPlugin(
        name="conv-vae",
        summary="A residual VAE, conditional on genre, that draws the texture of noise; quick to train.",
        factory="genvae_plugins.models.conv_vae:ConvVAE",
        options=ConvVAEOptions,
        attributes=True,
    )
    yield genvae.ModelPlugin(
        name="beta-vae",
        summary="conv-vae with a larger KL weight: fewer, more independent latents, and less detail.",
        factory="genvae_plugins.models.conv_vae:ConvVAE",
        options=BetaVAEOptions,
        attributes=True,
    )
    yield genvae.ModelPlugin(
        name="wae",
        summary="A Wasserstein auto-encoder: latents that are normal as a whole, by maximum mean discrepancy.",
        factory="genvae_plugins.models.wae:WAE",
        options=WAEOptions,
    )
    yield genvae.ModelPlugin(
        name="vq-vae",
        summary="A VAE whose latents are looked up in codebooks.",
        factory="genvae_plugins.models.vq_vae:VQVAE",
        options=VQVAEOptions,
    )
    yield genvae.ModelPlugin(
        name="vae-gan",
        summary="conv-vae with a second, adversarial stage for its decoder.",
        factory="genvae_plugins.models.vae_gan:VAEGAN",
        options=VAEGANOptions,
    )
    yield genvae.ModelPlugin(
        name="flow-vae",
        summary="A VAE whose decoder draws the detail of a clip by flow matching, given its latent; the default.",
        factory="genvae_plugins.models.flow_vae:FlowVAE",
        options=FlowVAEOptions,
        attributes=True,
        suggests={"train.batch_size": 32, "train.ema": 0.999},
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
            "train.schedule": "genvae:constant",
        },
    )
