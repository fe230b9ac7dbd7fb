"""Declares the variational autoencoders, and what can be set of each (no torch here)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import genvae


@dataclass(frozen=True, kw_only=True)
class ConvOptions:
    """Options of the networks that convolve over time, and of how they are trained.

    Attributes:
        width: channels of every layer, a multiple of 8.
        neck: channels before the latents.
        blocks: residual blocks at each resolution.
        learning_rate: of AdamW.
        texture: how much of the likelihood's spread `decode` draws when it generates, 0 to 1.
    """

    width: int = 256
    neck: int = 96
    blocks: int = 1
    learning_rate: float = 1e-3
    texture: float = 1.0

    def __post_init__(self) -> None:
        """Raise ValueError for values that make no model."""
        _require_above_zero(self, "width", "neck", "blocks", "learning_rate")
        _require_not_negative(self, "texture")
        if self.width % 8:
            raise ValueError("width must be a multiple of 8")


@dataclass(frozen=True, kw_only=True)
class ConvVAEOptions(ConvOptions):
    """Options of `conv-vae`: those of its networks, and these.

    Attributes:
        latent_dim: dimensions of the latent space.
        beta: weight of the divergence.
        kl_warmup: batches over which that weight rises from zero.
        free_bits: nats of each dimension that cost nothing.
    """

    latent_dim: int = 128
    beta: float = 1.0
    kl_warmup: int = 1000
    free_bits: float = 0.05

    def __post_init__(self) -> None:
        """Raise ValueError for values that make no model."""
        super().__post_init__()
        _require_above_zero(self, "latent_dim")
        _require_not_negative(self, "beta", "kl_warmup", "free_bits")


@dataclass(frozen=True, kw_only=True)
class BetaVAEOptions(ConvVAEOptions):
    """Options of `beta-vae`: those of `conv-vae`, with a divergence that weighs more and no free bits.

    Attributes:
        beta: weight of the divergence.
        free_bits: nats of each dimension that cost nothing.
    """

    beta: float = 4.0
    free_bits: float = 0.0


@dataclass(frozen=True, kw_only=True)
class VAEGANOptions(ConvVAEOptions):
    """Options of `vae-gan`: those of `conv-vae`, and of its second stage.

    Attributes:
        first_stage: batches before the discriminator comes.
        matching: weight of the difference in what the discriminator sees.
        adversarial: weight of its verdict.
    """

    first_stage: int = 2000
    matching: float = 1.0
    adversarial: float = 0.1

    def __post_init__(self) -> None:
        """Raise ValueError for values that make no model."""
        super().__post_init__()
        _require_not_negative(self, "first_stage", "matching", "adversarial")


@dataclass(frozen=True, kw_only=True)
class WAEOptions(ConvOptions):
    """Options of `wae`: those of its networks, and these.

    Attributes:
        latent_dim: dimensions of the latent space.
        discrepancy: weight of the latents' discrepancy from the standard normal, in nats a clip for each unit of it.
    """

    latent_dim: int = 128
    discrepancy: float = 1000.0

    def __post_init__(self) -> None:
        """Raise ValueError for values that make no model."""
        super().__post_init__()
        _require_above_zero(self, "latent_dim")
        _require_not_negative(self, "discrepancy")


@dataclass(frozen=True, kw_only=True)
class VQVAEOptions(ConvOptions):
    """Options of `vq-vae`: those of its networks, and these.

    Attributes:
        codes: entries of a codebook.
        groups: codebooks, each with a code at every place in time.
        code_dim: numbers in a code.
        commitment: weight of what holds the encodings to the codes.
    """

    codes: int = 256
    groups: int = 8
    code_dim: int = 8
    commitment: float = 0.25

    def __post_init__(self) -> None:
        """Raise ValueError for values that make no model."""
        super().__post_init__()
        _require_above_zero(self, "codes", "groups", "code_dim")
        _require_not_negative(self, "commitment")


@dataclass(frozen=True, kw_only=True)
class FlowVAEOptions:
    """Options of `flow-vae`.

    Attributes:
        latent_dim: dimensions of the latent space.
        patch: frames in a patch.
        components: numbers in a patch's code.
        width: channels of the flow; the VAE is half as wide.
        depth: blocks of the flow.
        vae_depth: blocks of the VAE's encoder and of its decoder.
        nats: what a latent tells of a clip, its divergence, on average.
        learning_rate: of AdamW.
        flow_steps: in which `decode` draws.
        guidance: 1 draws from what was learnt, more exaggerates what the latent says.
        latent_noise: how inexact the flow takes a latent to be, as a standard deviation.
        texture: how much of the noise that was learnt is drawn.
        preconditioned: whether the flow is scaled by the codes' deviations; that of the pretrained run is not yet, for
            which alone it can be false.
    """

    latent_dim: int = 64
    patch: int = 4
    components: int = 128
    width: int = 256
    depth: int = 6
    vae_depth: int = 2
    nats: float = 100.0
    learning_rate: float = 1e-3
    flow_steps: int = 4
    guidance: float = 1.0
    latent_noise: float = 0.2
    texture: float = 0.5
    preconditioned: bool = True

    def __post_init__(self) -> None:
        """Raise ValueError for sizes that make no model."""
        _require_above_zero(
            self,
            "latent_dim",
            "patch",
            "components",
            "width",
            "depth",
            "vae_depth",
            "nats",
            "flow_steps",
            "learning_rate",
        )
        _require_not_negative(self, "latent_noise", "texture")
        if self.width % 16 or (self.width > 128 and self.width % 128):
            raise ValueError("width must be a multiple of 16, and of 128 above that")


@dataclass(frozen=True, kw_only=True)
class ReferenceVAEOptions:
    """Options of `reference-vae`; the defaults are the original's.

    Attributes:
        latent_dim: dimensions of the latent space.
        learning_rate: of Adam.
        reconstruction_weight: factor of the mean squared error against the divergence.
    """

    latent_dim: int = 128
    learning_rate: float = 5e-4
    reconstruction_weight: float = 1_000_000.0

    def __post_init__(self) -> None:
        """Raise ValueError for values that make no model."""
        _require_above_zero(self, "latent_dim", "learning_rate")
        _require_not_negative(self, "reconstruction_weight")


def _require_above_zero(options: object, *names: str) -> None:
    for name in names:
        if not getattr(options, name) > 0:
            raise ValueError(f"{name} must be above 0")


def _require_not_negative(options: object, *names: str) -> None:
    for name in names:
        if not getattr(options, name) >= 0:
            raise ValueError(f"{name} must not be negative")


@genvae.hookimpl
def genvae_models() -> Iterator[genvae.ModelPlugin]:
    """Yield the models."""
    yield genvae.ModelPlugin(
        name="conv-vae",
        summary="A residual VAE, conditional on genre, that draws the texture of noise; quick to train.",
        factory="genvae_plugins.models.conv_vae:ConvVAE",
        options=ConvVAEOptions,
    )
    yield genvae.ModelPlugin(
        name="beta-vae",
        summary="conv-vae with a heavier divergence: fewer, more independent latents, and less detail.",
        factory="genvae_plugins.models.conv_vae:ConvVAE",
        options=BetaVAEOptions,
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
            "train.schedule": "constant",
        },
    )
