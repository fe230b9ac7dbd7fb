"""`flow-vae`: a VAE whose latent is a clip's address, and whose decoder draws the detail by flow matching."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.interfaces.model import Model, Posterior
from genvae.losses import free_bits, gaussian_nll
from genvae.spec import FeatureSpec
from genvae_plugins.flow_matching import flow_matching_loss, time_features, walk
from genvae_plugins.models import FlowVAEOptions
from genvae_plugins.models.patches import Patches
from genvae_plugins.models.texture import Texture
from genvae_plugins.models.transformer import Transformer

NECK = 16  # numbers a patch before the posterior and after the latent
MEASURED_BATCHES = 120  # that the patches are measured on
BLUR = 0.1  # noise on the codes that the detail is learnt from, as drawn codes are not exact either
UNCONDITIONAL = 0.1  # share of clips whose latent the flow is not told, for guidance
LOG_SCALE_RANGE = (-5.0, 2.0)  # of the likelihoods; keeps silence from growing infinite
LOG_VARIANCE_RANGE = (-12.0, 4.0)  # of the posterior


class FlowVAE(Model):
    """Three networks that are trained together, each on its own part of the loss.

    A spectrogram is a short sequence of codes (see `Patches`). The VAE encodes the sequence into `latent_dim` numbers
    and decodes its mean, which is blurred, as the means of all VAEs are. The flow draws a sequence given that mean, the
    latent and the genre: of the many clips that a latent may stand for, one. The detail network gives each patch's
    spectrogram from the codes around it, and how uncertain it is, which `Texture` fills with noise.

    The flow's loss does not reach the VAE: a latent that helps to draw the detail would be one that no prior can draw.
    """

    steps: Tensor

    def __init__(self, options: FlowVAEOptions, *, spec: FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.options = options
        self.latent_dim = options.latent_dim
        self.max_gradient_norm = 1.0
        self.patches = Patches(bins=spec.bins, frames=frames, size=options.patch, components=options.components)
        self.texture = Texture(spec, options.texture)
        length, codes, width = self.patches.length, self.patches.components, options.width
        side = max(options.width // 2, 8)  # the VAE is but a help to the flow, which is what one hears

        self.genre_encoder = nn.Embedding(len(genres), side)
        self.encoder = Transformer(inputs=codes, outputs=NECK, length=length, width=side, depth=options.vae_depth)
        self.posterior = nn.Linear(NECK * length, 2 * self.latent_dim)

        self.genre_decoder = nn.Embedding(len(genres), side)
        self.address = nn.Linear(self.latent_dim, side)
        self.expand = nn.Linear(self.latent_dim, NECK * length)
        self.decoder = Transformer(inputs=NECK, outputs=codes, length=length, width=side, depth=options.vae_depth)
        self.log_spread = nn.Parameter(torch.zeros(codes))

        self.genre_flow = nn.Embedding(len(genres), width)
        self.latent_flow = nn.Linear(self.latent_dim, width)
        self.time_flow = nn.Linear(width, width)
        self.unknown = nn.Parameter(torch.zeros(width))  # in place of a latent
        self.flow = Transformer(inputs=2 * codes, outputs=codes, length=length, width=width, depth=options.depth)

        self.detail = nn.Sequential(
            nn.Conv1d(codes, width, 3, padding=1), nn.GELU(),
            nn.Conv1d(width, 2 * options.patch * spec.bins, 1),
        )  # fmt: skip
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def fit(self, features: Iterable[Tensor]) -> None:
        """Measure the patches on some batches."""
        self.patches.fit(islice(features, MEASURED_BATCHES))

    def encode(self, features: Tensor, genre: Tensor) -> Posterior:
        """Features [B, bins, frames] -> the posterior over their latents."""
        return self._posterior(self.patches.encode(features), genre)

    def decode(self, z: Tensor, genre: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Latents [B, latent_dim] -> features [B, bins, frames]: drawn with a generator, the blurred mean without."""
        mean = self._mean(z, genre)
        if generator is None:
            return self._likelihood(mean)[0]
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        codes = walk(lambda x, time: self._guided(x, time, mean, z, genre), noise, self.options.flow_steps)
        drawn: Tensor = self.texture(*self._likelihood(codes), generator)
        return drawn

    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """The VAE's negative evidence lower bound, the flow's loss and the detail's negative log-likelihood.

        Each is an average over values, the bound over those of the code. `squared_error` is the VAE's, in features.
        """
        codes = self.patches.encode(features)
        posterior = self._posterior(codes, genre)
        z = posterior.sample(generator)
        mean = self._mean(z, genre)
        nll = gaussian_nll(codes, mean, self.log_spread.clamp(*LOG_SCALE_RANGE)).mean()
        kl = posterior.kl()
        warmup = ((self.steps + 1) / (self.options.kl_warmup + 1)).clamp(max=1.0)
        if self.training:
            self.steps += 1
        divergence = self.options.beta * warmup * free_bits(kl, self.options.free_bits) / codes[0].numel()

        known = torch.rand(len(z), 1, generator=generator, device=z.device) >= UNCONDITIONAL
        told, latent = mean.detach(), z.detach()
        flow = flow_matching_loss(
            lambda x, time: self._velocity(x, time, told, latent, genre, known), codes, generator=generator
        ).mean()

        near = codes + BLUR * torch.randn(codes.shape, generator=generator, device=codes.device)
        detail = gaussian_nll(features, *self._likelihood(near)).mean()
        with torch.no_grad():
            missed = F.mse_loss(self.patches.decode(mean), features)
        return {
            "loss": nll + divergence + flow + detail,
            "nll": nll,
            "kl": kl.sum(dim=1).mean(),
            "flow": flow,
            "detail": detail,
            "squared_error": missed,
        }

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """One AdamW."""
        return [torch.optim.AdamW(self.parameters(), lr=self.options.learning_rate, betas=(0.9, 0.99))]

    def _posterior(self, codes: Tensor, genre: Tensor) -> Posterior:
        hidden = self.encoder(codes, self.genre_encoder(genre)).flatten(1)  # [B, NECK * length]
        mean, log_variance = self.posterior(hidden).float().chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(*LOG_VARIANCE_RANGE))

    def _mean(self, z: Tensor, genre: Tensor) -> Tensor:
        """Latents -> the mean of the codes that they stand for, [B, length, components]."""
        start = self.expand(z).unflatten(1, (self.patches.length, NECK))
        out: Tensor = self.decoder(start, self.genre_decoder(genre) + self.address(z)).float()
        return out

    def _velocity(self, x: Tensor, time: Tensor, mean: Tensor, z: Tensor, genre: Tensor, known: Tensor) -> Tensor:
        """The flow at codes x and times [B]; where `known` [B, 1] is false, without mean and latent."""
        address = torch.where(known, self.latent_flow(z), self.unknown)
        condition = self.genre_flow(genre) + self.time_flow(time_features(time, self.options.width)) + address
        given = torch.cat([x, mean * known[..., None]], dim=2)  # [B, length, 2 * components]
        out: Tensor = self.flow(given, condition).float()
        return out

    def _guided(self, x: Tensor, time: Tensor, mean: Tensor, z: Tensor, genre: Tensor) -> Tensor:
        """The velocity, away from what it is without the latent: Ho & Salimans, Classifier-Free Guidance, 2022."""
        known = torch.ones(len(z), 1, dtype=torch.bool, device=z.device)
        with_latent = self._velocity(x, time, mean, z, genre, known)
        if self.options.guidance == 1:
            return with_latent
        without = self._velocity(x, time, mean, z, genre, ~known)
        return without + self.options.guidance * (with_latent - without)

    def _likelihood(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Codes -> mean and log standard deviation of the features, [B, bins, frames] each."""
        more, log_scale = self.detail(codes.mT).float().mT.chunk(2, dim=2)  # [B, length, patch * bins] each
        mean = self.patches.decode(codes) + self.patches.join(more)
        return mean, self.patches.join(log_scale).clamp(*LOG_SCALE_RANGE)
