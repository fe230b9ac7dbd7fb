"""The abstract base classes of the parts that work on tensors: Transform, Model, Prior and Vocoder.

Shapes: waveforms [B, samples] in ±1; features and spectrograms [B, bins, frames]; latents [B, latent_dim]; genres [B],
int64 indices into the run's list of genres. Everything that draws takes a `torch.Generator` on the tensors' device.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genvae.losses import gaussian_kl, reparameterise
from genvae.spec import FeatureSpec


class Transform(nn.Module, ABC):
    """A front end from waveforms to features.

    Args:
        options: an instance of the plugin's options dataclass.
        sample_rate: of the waveforms, in Hz.

    Attributes:
        spec: what `invert` returns; the model's features are those, scaled.
        magnitude_spec: what `magnitudes` returns, where a front end can be brought to the magnitudes of an STFT but
            doesn't give them itself. A vocoder that refuses `spec` is offered it.
    """

    spec: FeatureSpec
    magnitude_spec: FeatureSpec | None = None

    def __init__(self, options: Any, *, sample_rate: int) -> None:
        super().__init__()

    def fit(self, waves: Iterable[Tensor]) -> None:  # optional on purpose
        """Learn statistics from batches of training waveforms [B, samples], kept in buffers. By default nothing."""

    @abstractmethod
    def forward(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> features [B, bins, frames] of about unit scale."""

    @abstractmethod
    def invert(self, features: Tensor) -> Tensor:
        """Features [B, bins, frames] -> the same shape in the units of `spec`."""

    def magnitudes(self, spectrogram: Tensor) -> Tensor:
        """What `invert` returns, [B, bins, frames] -> [B, magnitude_spec.bins, frames] in those units.

        Raises:
            NotImplementedError: there is no `magnitude_spec`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no way to magnitudes.")


@dataclass(frozen=True)
class Posterior:
    """A diagonal Gaussian over latents: `mean` and `log_variance`, [B, latent_dim] each."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, generator: torch.Generator | None) -> Tensor:
        """Draw one latent per row, [B, latent_dim]; differentiable."""
        return reparameterise(self.mean, self.log_variance, generator)

    def kl(self) -> Tensor:
        """Divergence from the standard normal of each dimension, [B, latent_dim], in nats."""
        return gaussian_kl(self.mean, self.log_variance)


@dataclass(frozen=True)
class TrainingStep:
    """What the training loop hands to `Model.training_step`.

    optimizers: those of `Model.optimizers`, in their order. backward: call it in place of `loss.backward()`, so that
    the loop's precision and its other processes are served. loss: `Model.loss`, likewise; of other methods of a
    model, none may be used for training by several processes. generator: for everything that is drawn.
    """

    optimizers: Sequence[torch.optim.Optimizer]
    backward: Callable[[Tensor], None]
    loss: Callable[..., dict[str, Tensor]]
    generator: torch.Generator


class Model(nn.Module, ABC):
    """A variational autoencoder over features.

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
        parts = step.loss(features, genre, generator=step.generator)
        for optimizer in step.optimizers:
            optimizer.zero_grad(set_to_none=True)
        step.backward(parts["loss"])
        if self.max_gradient_norm is not None:
            nn.utils.clip_grad_norm_(self.parameters(), self.max_gradient_norm)
        for optimizer in step.optimizers:
            optimizer.step()
        return parts


class Prior(nn.Module, ABC):
    """A distribution over latents for each genre, fitted after the model is trained; all it learns lives in buffers.

    Args:
        options: an instance of the plugin's options dataclass.
        latent_dim: dimensions of the latent space.
        genres: the names of the genres, whose indices `genre` holds.
    """

    def __init__(self, options: Any, *, latent_dim: int, genres: Sequence[str]) -> None:
        super().__init__()

    @abstractmethod
    def fit(self, z: Tensor, genre: Tensor, *, generator: torch.Generator) -> None:
        """Learn from latents [N, latent_dim] drawn from the training clips' posteriors, and their genres [N].

        Raises:
            ValueError: if a latent is not finite.
        """

    @abstractmethod
    def sample(self, genre: Tensor, *, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """Draw a latent for each genre of [B] -> [B, latent_dim]; `temperature` scales the spread, 0 gives a centre."""


class Vocoder(nn.Module, ABC):
    """From a spectrogram to a waveform.

    Args:
        options: an instance of the plugin's options dataclass.
        spec: what the spectrogram means; raise SpecMismatch (`spec.require`) for one that the vocoder can't serve.
    """

    def __init__(self, options: Any, *, spec: FeatureSpec) -> None:
        super().__init__()
        self.spec = spec

    @abstractmethod
    def forward(
        self, spectrogram: Tensor, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Spectrogram [B, bins, frames] in the units of the spec -> waveform [B, length].

        `length` is by default `spec.samples(frames)`; without a generator nothing is drawn at random.
        """
