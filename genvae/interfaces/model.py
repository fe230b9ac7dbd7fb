"""Model: a variational autoencoder over features; the posterior that it gives, and the training step that it takes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

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


@dataclass(frozen=True)
class TrainingStep:
    """What the training loop hands to `Model.training_step`.

    Attributes:
        optimizers: those of `Model.optimizers`, in their order.
        backward: call it in place of `loss.backward()`, so that the loop's precision and its other processes are
            served.
        loss: `Model.loss`, likewise; of other methods of a model, none may be used for training by several processes.
        generator: for everything that is drawn.
        number: steps before this one, over all sessions of the run; what is kept in a model's own counter instead is
            lost when the run is resumed.
        progress: the part of the budget that is spent, 0..1.
        waves: the waveforms [B, samples] that the features were made of.
        accumulate: parts into which the batch is to be split, so that it takes less memory.
        attributes: what is known of the clips beyond their genre, [B, attribute_dim], for the `attributes` of `loss`;
            None where the model is told of none.
    """

    optimizers: Sequence[torch.optim.Optimizer]
    backward: Callable[[Tensor], None]
    loss: Callable[..., dict[str, Tensor]]
    generator: torch.Generator
    number: int = 0
    progress: float = 0.0
    waves: Tensor | None = None
    accumulate: int = 1
    attributes: Tensor | None = None


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
        for optimizer in step.optimizers:
            optimizer.zero_grad(set_to_none=True)
        count = min(step.accumulate, len(features))
        parts: dict[str, Tensor] = {}
        known: list[dict[str, Tensor]] = (
            [{}] * count if step.attributes is None else _named(step.attributes.tensor_split(count))
        )
        for some, theirs, told in zip(features.tensor_split(count), genre.tensor_split(count), known, strict=True):
            share = len(some) / len(features)
            own = step.loss(some, theirs, generator=step.generator, **told)
            step.backward(own["loss"] * share)
            parts = {name: parts.get(name, 0) + share * value.detach() for name, value in own.items()}
        if self.max_gradient_norm is not None:
            nn.utils.clip_grad_norm_(self.parameters(), self.max_gradient_norm)
        for optimizer in step.optimizers:
            optimizer.step()
        return parts


def _named(parts: Sequence[Tensor]) -> list[dict[str, Tensor]]:
    return [{"attributes": part} for part in parts]
