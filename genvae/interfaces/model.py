"""Model: a variational autoencoder over features, and the posterior that it gives."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genvae.interfaces.training_step import TrainingStep
from genvae.losses import gaussian_kl, reparameterise
from genvae.spec import FeatureSpec


@dataclass(frozen=True)
class Posterior:
    """A diagonal Gaussian over latents.

    Attributes:
        mean: [B, latent_dim].
        log_variance: [B, latent_dim], natural logarithms.
    """

    mean: Tensor
    log_variance: Tensor

    def sample(self, generator: torch.Generator | None) -> Tensor:
        """Draw one latent per row, [B, latent_dim]; differentiable."""
        return reparameterise(self.mean, self.log_variance, generator)

    def kl(self) -> Tensor:
        """KL divergence from the standard normal of each dimension, [B, latent_dim], in nats."""
        return gaussian_kl(self.mean, self.log_variance)


class Model(nn.Module, ABC):
    """A variational autoencoder over features.

    One that is declared with `attributes=True` has a keyword `attributes` more in its constructor, by default (): what
    the run knows of clips beyond their genre, each a `genvae.Attribute`. Its `loss`, `decode` and, where it is
    overridden, `decode_each` have one too: what is known of each clip, [B, attribute_dim], zeros where that is nothing;
    by default None, which means the same.

    Args:
        options: an instance of the plugin's options dataclass.
        spec: what the features mean; raise SpecMismatch (`spec.require`) for one that the model can't serve.
        frames: frames in a clip.
        genres: the names of the genres, whose indices `genre` holds.

    Attributes:
        latent_dim: dimensions of the latent space.
        max_gradient_norm: bound on the norm of the gradient in the default training step, None for none.
    """

    latent_dim: int
    max_gradient_norm: float | None = None

    def __init__(self, options: Any, *, spec: FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__()

    def fit(self, features: Iterable[Tensor]) -> None:  # optional on purpose
        """Measure what it needs on batches of training features [B, bins, frames], kept in buffers. By default nothing.

        Called once, before the first training step; it may stop reading at any time.
        """

    @property
    def adversarial(self) -> bool:
        """Whether what learns now are networks against each other: a loss may then rise while items get better."""
        return False

    @abstractmethod
    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """The parts of the loss as scalars; `loss` is what is minimised, the others are logged under their names."""

    @abstractmethod
    def encode(self, features: Tensor, genre: Tensor) -> Posterior:
        """Features [B, bins, frames] -> the posterior over their latents."""

    @abstractmethod
    def decode(self, z: Tensor, genre: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Latents [B, latent_dim] -> features [B, bins, frames]; a decoder that draws does so only with a generator."""

    def decode_each(self, z: Tensor, genre: Tensor, *, generators: Sequence[torch.Generator]) -> Tensor:
        """Latents [B, latent_dim] -> features [B, bins, frames], each drawn with its own generator, as if alone.

        Override it where a batch is quicker: a clip's features must be those that `decode` gives for it alone, to the
        bit. By default one clip after the other.
        """
        pairs = zip(torch.split(z, 1), torch.split(genre, 1), generators, strict=True)
        return torch.cat([self.decode(latent, label, generator=own) for latent, label, own in pairs])

    def stages(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """Features [B, bins, frames] after each step of the way through the model that a clip can be brought, by name.

        From what takes least away to what takes most, without the latent, which any model has: such as what is left
        by a code of the spectrogram. `genvae evaluate` measures each, so that one sees where a run loses. By default
        none.
        """
        return {}

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """The optimisers, with the learning rates that the loop's schedule scales; by default one AdamW."""
        return [torch.optim.AdamW(self.parameters(), lr=1e-3)]

    def training_step(self, features: Tensor, genre: Tensor, step: TrainingStep) -> dict[str, Tensor]:
        """Update the weights once. Override it for what a single loss can't say, such as an adversarial stage."""
        return step.minimise(self, features, genre, max_gradient_norm=self.max_gradient_norm)
