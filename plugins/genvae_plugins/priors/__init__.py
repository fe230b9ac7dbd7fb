"""Distributions over the latents of a genre."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import genvae


@dataclass(frozen=True, kw_only=True)
class GmmOptions:
    """Options of the `gmm` prior."""

    components: Annotated[
        int,
        genvae.Option(
            "Gaussians for a genre, fewer where it has too few latents",
            least=1,
            most=8192,
        ),
    ] = 32
    regularisation: Annotated[float, genvae.Option("added to each variance", above=0)] = 1e-3


@dataclass(frozen=True, kw_only=True)
class LocalOptions:
    """Options of the `local` prior."""

    latents: Annotated[int, genvae.Option("for each Gaussian; fewer keep closer to the training clips", least=1)] = 12
    most: Annotated[int, genvae.Option("Gaussians for a genre", least=1, most=65536)] = 1024
    rank: Annotated[
        int,
        genvae.Option(
            "directions in which a Gaussian has a spread of its own",
            least=1,
            most=65536,
        ),
    ] = 8
    draws: Annotated[
        int,
        genvae.Option(
            "latents that are drawn for each that is asked for; the prior gives the one that it prefers, once it has "
            "learnt to prefer some: `genvae train-preference`",
            least=1,
            most=64,
        ),
    ] = 1


@dataclass(frozen=True, kw_only=True)
class AggregateOptions:
    """Options of the `aggregate` prior."""

    posteriors: Annotated[
        int,
        genvae.Option("kept for a genre; more take room in the run, and hold more of the genre", least=1, most=65536),
    ] = 512


@dataclass(frozen=True, kw_only=True)
class FlowOptions:
    """Options of the `flow` prior."""

    width: Annotated[int, genvae.Option("channels of its network", least=1, most=8192)] = 256
    depth: Annotated[int, genvae.Option("the network's blocks", least=1, most=256)] = 3
    steps: Annotated[int, genvae.Option("of training, some 200 a second", least=0)] = 6000
    flow_steps: Annotated[int, genvae.Option("in which a latent is drawn", least=1, most=1000)] = 16


@genvae.hookimpl
def genvae_priors() -> Iterator[genvae.PriorPlugin]:
    """Declare the priors that come with genvae."""
    yield genvae.PriorPlugin(
        name="standard-normal",
        summary="The standard normal distribution, whatever the genre.",
        factory="genvae_plugins.priors.standard_normal:StandardNormal",
        learns=False,
    )
    yield genvae.PriorPlugin(
        name="gaussian",
        summary="One Gaussian with full covariance for each genre.",
        factory="genvae_plugins.priors.gaussian:Gaussian",
    )
    yield genvae.PriorPlugin(
        name="gmm",
        summary="A mixture of Gaussians with full covariance for each genre.",
        factory="genvae_plugins.priors.gmm:Gmm",
        options=GmmOptions,
    )
    yield genvae.PriorPlugin(
        name="local",
        summary="Many small Gaussians for each genre, each with the spread of its neighbourhood.",
        factory="genvae_plugins.priors.local:Local",
        options=LocalOptions,
    )
    yield genvae.PriorPlugin(
        name="aggregate",
        summary="For each genre a mixture of the posteriors of some of its training clips.",
        factory="genvae_plugins.priors.aggregate:Aggregate",
        options=AggregateOptions,
    )
    yield genvae.PriorPlugin(
        name="flow",
        summary="A learnt way from noise to the latents of a genre, by flow matching.",
        factory="genvae_plugins.priors.flow:Flow",
        options=FlowOptions,
    )
