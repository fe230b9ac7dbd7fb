"""Vocoder: from a spectrogram to a waveform."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from genvae.interfaces.training_step import TrainingStep
from genvae.spec import FeatureSpec


class Vocoder(nn.Module, ABC):
    """From a spectrogram to a waveform. One that learns has a `loss`, which is all that it must bring.

    Args:
        options: an instance of the plugin's options dataclass.
        spec: what the spectrogram means; raise SpecMismatch (`spec.require`) for one that the vocoder can't serve.

    Attributes:
        takes_initial_phase: whether `forward` also takes `initial_phase: Tensor | None = None`, phases to start from in
            radians, [B, bins, frames], counted from each frame's first sample. Only for spectrograms of magnitudes.
        learns_from_model: whether it is trained on what the run's model makes of clips, rather than on their own
            spectrograms: magnitudes that fit no sound, as those of new clips are.
        max_gradient_norm: bound on the norm of the gradient in the default training step, None for none.
    """

    takes_initial_phase: ClassVar[bool] = False
    learns_from_model: ClassVar[bool] = False
    max_gradient_norm: float | None = None

    def __init__(self, options: Any, *, spec: FeatureSpec) -> None:
        super().__init__()
        self.spec = spec

    @property
    def adversarial(self) -> bool:
        """Whether its networks learn against each other now: the loss may then rise while the sound gets better."""
        return False

    @abstractmethod
    def forward(
        self, spectrogram: Tensor, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Spectrogram [B, bins, frames] in the units of the spec -> waveform [B, length].

        `length` is by default `spec.samples(frames)`; without a generator nothing is drawn at random.
        """

    def fit(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> None:  # optional on purpose
        """Measure what it needs on batches of (spectrogram [B, bins, frames], waveform [B, samples]), kept in buffers.

        Called once, before the first training step; it may stop reading at any time. By default nothing.
        """

    def loss(self, spectrogram: Tensor, wave: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """The parts of the loss as scalars; `loss` is what is minimised, the others are logged under their names.

        Args:
            spectrogram: [B, bins, frames] in the units of the spec.
            wave: the waveforms that it is of, [B, samples], or that the model made it of.
            generator: for everything that is drawn.

        Raises:
            NotImplementedError: it doesn't learn.
        """
        raise NotImplementedError(f"{type(self).__name__} has no loss.")

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """The optimisers, with the learning rates that the loop's schedule scales; by default one AdamW."""
        return [torch.optim.AdamW(self.parameters(), lr=1e-3)]

    def training_step(self, spectrogram: Tensor, wave: Tensor, step: TrainingStep) -> dict[str, Tensor]:
        """Update the weights once. Override it for what a single loss can't say, such as an adversarial stage."""
        return step.minimise(self, spectrogram, wave, max_gradient_norm=self.max_gradient_norm)
