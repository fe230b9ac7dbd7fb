"""`vae-gan`: `conv-vae`, and then a second stage in which a discriminator teaches its decoder to be sharp."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.interfaces.training_step import TrainingStep
from genvae.losses import gaussian_nll
from genvae.spec import FeatureSpec
from genvae_plugins.models import VAEGANOptions
from genvae_plugins.models.conv_vae import ConvVAE

LEAK = 0.2


class Discriminator(nn.Module):
    """Tells drawn from real spectrograms, a few frames at a time; frequencies are channels, as in `conv-vae`."""

    def __init__(self, bins: int, width: int, genres: int) -> None:
        super().__init__()
        self.genre = nn.Embedding(genres, width)
        self.layers = nn.ModuleList(
            nn.utils.parametrizations.spectral_norm(layer)
            for layer in (
                nn.Conv1d(bins, width, 3, padding=1),
                nn.Conv1d(width, width, 4, stride=2, padding=2),
                nn.Conv1d(width, width, 4, stride=2, padding=2),
            )
        )
        self.verdict = nn.Conv1d(width, 1, 1)

    def forward(self, features: Tensor, genre: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features [B, bins, frames] -> verdicts [B, 1, time], high for real ones, and what each layer saw."""
        activations: list[Tensor] = []
        hidden = features
        for layer in self.layers:
            hidden = F.leaky_relu(layer(hidden), LEAK)
            activations.append(hidden)
        return self.verdict(hidden + self.genre(genre)[..., None]), activations


class VAEGAN(ConvVAE):
    """Two stages: that of `conv-vae`, then the decoder alone against a discriminator, the encoder being frozen.

    Larsen et al., Autoencoding beyond Pixels Using a Learned Similarity Metric, 2016 (the features that the
    discriminator sees are matched); the hinge losses are those of Lim & Ye, Geometric GAN, 2017; the spectral
    normalisation is that of Miyato et al., 2018. Frozen as in Caillon & Esling, RAVE, 2021, section 3.1.
    """

    options: VAEGANOptions

    def __init__(self, options: VAEGANOptions, *, spec: FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.discriminator = Discriminator(spec.bins, options.width, len(genres))

    def loss(
        self,
        features: Tensor,
        genre: Tensor,
        *,
        generator: torch.Generator,
        attributes: Tensor | None = None,
        discriminate: bool = False,
    ) -> dict[str, Tensor]:
        """The loss of the stage that it is in; with `discriminate` that of the discriminator."""
        if not self.adversarial:
            return super().loss(features, genre, generator=generator, attributes=attributes)
        with torch.no_grad():
            z = self._posterior(features, genre, attributes).sample(generator)
        mean, log_scale = self.likelihood(z, genre, attributes)
        drawn = self.texture(mean, log_scale, generator)
        if discriminate:
            real, false = self.discriminator(features, genre)[0], self.discriminator(drawn.detach(), genre)[0]
            return {"loss": F.relu(1 - real).mean() + F.relu(1 + false).mean()}
        verdict, activations = self.discriminator(drawn, genre)
        with torch.no_grad():
            real_activations = self.discriminator(features, genre)[1]
        matching = torch.stack(
            [F.l1_loss(ours, theirs) for ours, theirs in zip(activations, real_activations, strict=True)]
        ).mean()
        nll = gaussian_nll(features, mean, log_scale).mean()
        total = nll + self.options.matching * matching - self.options.adversarial * verdict.mean()
        if self.training:
            self.steps += 1
        return {
            "loss": total,
            "nll": nll,
            "matching": matching,
            "verdict": verdict.mean(),
            "squared_error": F.mse_loss(mean, features),
        }

    def training_step(self, features: Tensor, genre: Tensor, step: TrainingStep) -> dict[str, Tensor]:
        """One step of the first stage, or one of the discriminator and one of the decoder."""
        if not self.adversarial:
            return super().training_step(features, genre, step)
        decoder, discriminator = step.optimizers
        judged = step.loss(features, genre, generator=step.generator, discriminate=True)["loss"]
        discriminator.zero_grad(set_to_none=True)
        step.backward(judged)
        discriminator.step()
        parts = step.loss(features, genre, generator=step.generator)
        decoder.zero_grad(set_to_none=True)
        step.backward(parts["loss"])
        nn.utils.clip_grad_norm_(self._own_parameters(), self.max_gradient_norm or 1.0)
        decoder.step()
        return {**parts, "discriminator": judged}

    @property
    def adversarial(self) -> bool:
        """Whether the second stage has begun."""
        return bool(self.steps >= self.options.first_stage)

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """One for the VAE and one for the discriminator."""
        rate = self.options.learning_rate
        return [
            torch.optim.AdamW(self._own_parameters(), lr=rate, betas=(0.9, 0.99)),
            torch.optim.AdamW(self.discriminator.parameters(), lr=rate, betas=(0.5, 0.9)),
        ]

    def _own_parameters(self) -> list[nn.Parameter]:
        return [p for name, p in self.named_parameters() if not name.startswith("discriminator.")]
