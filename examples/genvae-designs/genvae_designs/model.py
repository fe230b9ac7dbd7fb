"""`design-vae`: a small VAE for pictures, quick on a processor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae import FeatureSpec, Model, Posterior
from genvae_designs import DesignVAEOptions

_MEASURED = 1024  # pictures whose principal components are taken
_KIND_DIM = 8
_HALF_LEVEL = 0.5 / 255  # half the distance of two of 256 grey levels


class DesignVAE(Model):
    """Dense layers between latents and coefficients of the pictures' principal components.

    A first layer on 16,384 pixels costs more than all others together; the components, measured before the first
    step, replace it in the encoder, where they stay as they are, and begin it in the decoder, where they are trained.

    Likelihoods: `bernoulli` of a grey value taken as a probability; `logistic`, the probability that a logistic
    distribution with a learnt scale for each pixel gives to the grey level, open at black and white (Salimans et al.,
    PixelCNN++, 2017, section 2.1, with one component).
    """

    def __init__(self, options: DesignVAEOptions, *, spec: FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        spec.require("design-vae", kind="picture")
        self.options = options
        self.latent_dim = options.latent_dim
        self.max_gradient_norm = 500.0  # a bound on outliers: the loss is in nats a picture
        width, components = options.width, options.components
        self.shape = (spec.bins, frames)
        pixels = spec.bins * frames
        self.kind = nn.Embedding(len(genres), _KIND_DIM)
        self.register_buffer("mean", torch.full((pixels,), 0.5))
        self.register_buffer("basis", torch.randn(components, pixels) / pixels**0.5)  # until `fit`, any projection
        self.register_buffer("spread", torch.ones(components))  # of each coefficient
        self.encoder = nn.Sequential(
            nn.Linear(components + _KIND_DIM, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, 2 * self.latent_dim),
        )
        self.decoder = nn.Sequential(
            nn.Linear(self.latent_dim + _KIND_DIM, width),
            nn.SiLU(),
            nn.Linear(width, width),
            nn.SiLU(),
            nn.Linear(width, components),
        )
        self.pixels = nn.Linear(components, pixels)
        if options.likelihood == "logistic":
            self.log_scale = nn.Parameter(torch.full((pixels,), -2.5))

    def fit(self, features: Iterable[Tensor]) -> None:
        """Measure the mean picture and the principal components of the first thousand."""
        seen: list[Tensor] = []
        for batch in features:
            seen.append(batch.flatten(1).float())
            if sum(map(len, seen)) >= _MEASURED:
                break
        pictures = torch.cat(seen)[:_MEASURED]
        mean = pictures.mean(dim=0)
        centred = pictures - mean
        values, vectors = torch.linalg.eigh((centred @ centred.T).double())  # of the Gram matrix, ascending
        count = min(self.options.components, len(pictures) - 1)
        values = values.flip(0)[:count].clamp_min(1e-6)
        basis = vectors.flip(1)[:, :count].T.float() @ centred / values.sqrt().float()[:, None]  # [count, pixels]
        self.mean.copy_(mean)
        self.basis.zero_()[:count] = basis
        self.spread.fill_(1.0)[:count] = (values / len(pictures)).sqrt().float().clamp_min(1e-3)
        with torch.no_grad():
            self.pixels.bias.copy_(torch.logit(mean.clamp(0.01, 0.99)))
            steep = 4.0  # a logit is about four times as steep as the grey value that it stands for, at grey
            self.pixels.weight.copy_((steep * self.spread[:, None] * self.basis).T)

    def encode(self, features: Tensor, genre: Tensor) -> Posterior:
        """Features [B, rows, columns] -> the posterior over their latents."""
        coefficients = (features.flatten(1) - self.mean) @ self.basis.T / self.spread  # [B, components]
        hidden = self.encoder(torch.cat([coefficients, self.kind(genre)], dim=1))
        mean, log_variance = hidden.float().chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(-12, 4))

    def decode(self, z: Tensor, genre: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Latents [B, latent_dim] -> features [B, rows, columns]; nothing is drawn."""
        return torch.sigmoid(self._logits(z, genre)).unflatten(1, self.shape)

    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """The negative evidence lower bound in nats a picture."""
        posterior = self.encode(features, genre)
        logits = self._logits(posterior.sample(generator), genre)
        grey = features.flatten(1)
        if self.options.likelihood == "bernoulli":
            nll = F.binary_cross_entropy_with_logits(logits, grey, reduction="none").sum(dim=1).mean()
        else:
            nll = discretised_logistic(grey, torch.sigmoid(logits), self.log_scale).sum(dim=1).mean()
        kl = posterior.kl().sum(dim=1).mean()
        error = F.mse_loss(torch.sigmoid(logits), grey)
        return {"loss": nll + self.options.beta * kl, "nll": nll, "kl": kl, "squared_error": error}

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """One Adam."""
        return [torch.optim.Adam(self.parameters(), lr=self.options.learning_rate)]

    def _logits(self, z: Tensor, genre: Tensor) -> Tensor:
        """Latents [B, latent_dim] -> the grey values' logits, [B, pixels]."""
        logits: Tensor = self.pixels(self.decoder(torch.cat([z, self.kind(genre)], dim=1)))
        return logits


def discretised_logistic(grey: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """-log P(level) of grey values 0..1 on 256 levels, nats; the outermost levels take all that lies beyond them.

    Args:
        grey, mean: [B, pixels].
        log_scale: of the logistic distribution, in grey values, [pixels].
    """
    scale = torch.exp(-log_scale.clamp(-6, 1))
    upper = torch.sigmoid((grey + _HALF_LEVEL - mean) * scale)
    lower = torch.sigmoid((grey - _HALF_LEVEL - mean) * scale)
    upper = torch.where(grey > 1 - _HALF_LEVEL, torch.ones_like(upper), upper)
    lower = torch.where(grey < _HALF_LEVEL, torch.zeros_like(lower), lower)
    return -(upper - lower).clamp_min(1e-9).log()
