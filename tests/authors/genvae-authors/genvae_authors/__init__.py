"""Declares a data set in Parquet, an MDCT with its inverse, three models, two priors and a neural vocoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated

import genvae


@dataclass(frozen=True, kw_only=True)
class MdctOptions:
    """Options of `mdct`."""

    hop: Annotated[int, genvae.Option("coefficients in a frame, and samples between frames", least=8, most=8192)] = 128


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Options of each model."""

    width: Annotated[int, genvae.Option("of the hidden layers", least=8, most=4096)] = 128
    latent_dim: Annotated[int, genvae.Option("dimensions of the latent space, even", least=2, most=1024)] = 16
    beta: Annotated[float, genvae.Option("weight of the KL divergence", least=0)] = 0.05
    learning_rate: Annotated[float, genvae.Option("of AdamW", above=0)] = 2e-3

    def __post_init__(self) -> None:
        """Raise ValueError for latents that have no halves."""
        if self.latent_dim % 2:
            raise ValueError(f"latent_dim must be even, not {self.latent_dim}")


@dataclass(frozen=True, kw_only=True)
class GanOptions(ModelOptions):
    """Options of `spectral-gan`."""

    first_stage: Annotated[float, genvae.Option("part of the budget without the discriminator", least=0, most=1)] = 0.5
    adversarial: Annotated[float, genvae.Option("weight of the discriminator's verdict", least=0)] = 0.05


@dataclass(frozen=True, kw_only=True)
class KernelOptions:
    """Options of `kernels`."""

    points: Annotated[int, genvae.Option("latents that are kept of each genre, at most", least=1, most=65536)] = 512


@dataclass(frozen=True, kw_only=True)
class VampOptions:
    """Options of `vamp`."""

    inputs: Annotated[int, genvae.Option("that are learnt for each genre", least=1, most=4096)] = 32
    steps: Annotated[int, genvae.Option("of Adam", least=0, most=100_000)] = 100
    learning_rate: Annotated[float, genvae.Option("of Adam", above=0)] = 0.02


@dataclass(frozen=True, kw_only=True)
class AdversaryOptions:
    """Options of `adversary`."""

    width: Annotated[int, genvae.Option("channels", least=8, most=2048)] = 64
    depth: Annotated[int, genvae.Option("blocks", least=1, most=32)] = 2
    learning_rate: Annotated[float, genvae.Option("of AdamW", above=0)] = 2e-3
    adversarial: Annotated[float, genvae.Option("weight of the discriminator's verdict", least=0)] = 0.02


def no_pyarrow() -> str | None:
    """Why Parquet can't be read here."""
    return None if find_spec("pyarrow") else "pyarrow is not installed: pip install pyarrow"


@genvae.hookimpl
def genvae_datasets() -> Iterator[genvae.DatasetPlugin]:
    """Declare the data set."""
    yield genvae.DatasetPlugin(
        name="parquet",
        summary="A row a recording: id, genre, sample_rate, samples.",
        factory="genvae_authors.parquet:Parquet",
        unavailable=no_pyarrow,
    )


@genvae.hookimpl
def genvae_transforms() -> Iterator[genvae.TransformPlugin]:
    """Declare the transform."""
    yield genvae.TransformPlugin(
        name="mdct",
        summary="The modified discrete cosine transform: real and critically sampled.",
        factory="genvae_authors.mdct:Mdct",
        options=MdctOptions,
        differentiable=True,
    )


@genvae.hookimpl
def genvae_models() -> Iterator[genvae.ModelPlugin]:
    """Declare the models."""
    yield genvae.ModelPlugin(
        name="iaf-vae",
        summary="A VAE whose posterior is an inverse autoregressive flow.",
        factory="genvae_authors.flow_posterior:FlowPosteriorVAE",
        options=ModelOptions,
        conditional=False,
    )
    yield genvae.ModelPlugin(
        name="ladder-vae",
        summary="Two layers of latents, the lower of which looks up.",
        factory="genvae_authors.ladder:LadderVAE",
        options=ModelOptions,
        conditional=False,
    )
    yield genvae.ModelPlugin(
        name="spectral-gan",
        summary="A VAE, then a discriminator against its decoder; an average of the weights is kept.",
        factory="genvae_authors.gan:SpectralGan",
        options=GanOptions,
        suggests={"train.ema": 0.99},
        conditional=False,
    )


@genvae.hookimpl
def genvae_priors() -> Iterator[genvae.PriorPlugin]:
    """Declare the priors."""
    yield genvae.PriorPlugin(
        name="kernels",
        summary="A kernel density of each genre's latents.",
        factory="genvae_authors.kernel_density:Kernels",
        options=KernelOptions,
    )
    yield genvae.PriorPlugin(
        name="vamp",
        summary="The average of posteriors of inputs that are learnt.",
        factory="genvae_authors.vamp:Vamp",
        options=VampOptions,
    )


@genvae.hookimpl
def genvae_vocoders() -> Iterator[genvae.VocoderPlugin]:
    """Declare the vocoder that learns, and the inverse of the transform."""
    yield genvae.VocoderPlugin(
        name="adversary",
        summary="Phases by a network that learns against a discriminator.",
        factory="genvae_authors.adversary:Adversary",
        options=AdversaryOptions,
        suggests={"train.batch_size": 16, "train.ema": 0.99},
        learns=True,
    )
    yield genvae.VocoderPlugin(
        name="imdct", summary="The inverse of `mdct`.", factory="genvae_authors.mdct:InverseMdct"
    )
