"""Distributions over the latents of a genre."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import genvae


@dataclass(frozen=True, kw_only=True)
class GmmOptions:
    """Options of the `gmm` prior.

    Attributes:
        components: Gaussians for a genre, fewer where it has too few latents.
        regularisation: added to each variance.
    """

    components: int = 32
    regularisation: float = 1e-3

    def __post_init__(self) -> None:
        if self.components < 1:
            raise ValueError(f"components must be at least 1, not {self.components}.")
        if not 0 < self.regularisation < float("inf"):
            raise ValueError(f"regularisation must be above 0, not {self.regularisation}.")


@dataclass(frozen=True, kw_only=True)
class LocalOptions:
    """Options of the `local` prior.

    Attributes:
        latents: for each Gaussian; fewer keep closer to the training clips.
        most: Gaussians for a genre.
        rank: directions in which a Gaussian has a spread of its own.
    """

    latents: int = 24
    most: int = 512
    rank: int = 8

    def __post_init__(self) -> None:
        """Raise ValueError for numbers that make no mixture."""
        for name in ("latents", "most", "rank"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")


@dataclass(frozen=True, kw_only=True)
class FlowOptions:
    """Options of the `flow` prior.

    Attributes:
        width: channels of its network.
        depth: the network's blocks.
        steps: of training, some 200 a second.
        flow_steps: in which a latent is drawn.
    """

    width: int = 256
    depth: int = 3
    steps: int = 6000
    flow_steps: int = 16

    def __post_init__(self) -> None:
        """Raise ValueError for sizes that make no network."""
        for name in ("width", "depth", "flow_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if self.steps < 0:
            raise ValueError(f"steps must not be negative, but is {self.steps}.")


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
        name="flow",
        summary="A learnt way from noise to the latents of a genre, by flow matching.",
        factory="genvae_plugins.priors.flow:Flow",
        options=FlowOptions,
    )
