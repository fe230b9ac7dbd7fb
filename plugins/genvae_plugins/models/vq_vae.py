"""`vq-vae`: a VAE whose latents are looked up in codebooks, so that whatever is drawn is made of learnt pieces."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.interfaces.model import Model, Posterior
from genvae.losses import gaussian_nll
from genvae.spec import FeatureSpec
from genvae_plugins.models import VQVAEOptions
from genvae_plugins.models.conv_networks import CONDITION_DIM, GENRE_DIM, Decoder, Encoder
from genvae_plugins.models.texture import Texture

DECAY = 0.99  # of the codebooks' moving averages
LEAST_USE = 1e-2  # below it a code is moved to where an encoding is
POSTERIOR_LOG_VARIANCE = -6.0  # encodings are points, and all in their neighbourhood mean the same


class VQVAE(Model):
    """The networks of `conv-vae` around codebooks: each place in time has `groups` codes of `code_dim` numbers.

    van den Oord et al., Neural Discrete Representation Learning, 2017, with codebooks that are moving averages of what
    is assigned to them (appendix A.1). A latent is the sequence before it is looked up, flattened; `decode` looks it
    up, so a prior over continuous latents serves this model too.
    """

    codes: Tensor
    uses: Tensor
    sums: Tensor

    def __init__(self, options: VQVAEOptions, *, spec: FeatureSpec, frames: int, genres: Sequence[str]) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.options = options
        self.max_gradient_norm = 1.0
        self.texture = Texture(spec, options.texture)
        self.genre = nn.Embedding(len(genres), GENRE_DIM)
        self.encoder = Encoder(options, bins=spec.bins, frames=frames)
        self.decoder = Decoder(options, bins=spec.bins, frames=frames)
        self.places, numbers = self.decoder.lengths[-1], options.groups * options.code_dim
        self.latent_dim = self.places * numbers
        self.latent = nn.Linear(options.neck, numbers)
        self.condition = nn.Linear(self.latent_dim + GENRE_DIM, CONDITION_DIM)
        self.expand = nn.Linear(numbers, options.neck)
        shape = (options.groups, options.codes, options.code_dim)
        self.register_buffer("codes", torch.randn(shape))
        self.register_buffer("uses", torch.ones(shape[:2]))
        self.register_buffer("sums", self.codes.clone())

    def encode(self, features: Tensor, genre: Tensor) -> Posterior:
        """Features [B, bins, frames] -> a narrow posterior around their encoding."""
        hidden = F.silu(self.encoder(features, self.genre(genre))).mT  # [B, places, neck]
        mean = self.latent(hidden).flatten(1).float()  # [B, latent_dim]
        return Posterior(mean, torch.full_like(mean, POSTERIOR_LOG_VARIANCE))

    def decode(self, z: Tensor, genre: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Latents [B, latent_dim] -> features [B, bins, frames] of the nearest codes, drawn with a generator."""
        drawn: Tensor = self.texture(*self._likelihood(self._looked_up(z)[0], genre), generator)
        return drawn

    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """Negative log-likelihood of what was looked up, and what holds the encodings to the codes."""
        z = self.encode(features, genre).mean
        code_vectors, chosen = self._looked_up(z)
        commitment = F.mse_loss(z, code_vectors)
        mean, log_scale = self._likelihood(z + (code_vectors - z).detach(), genre)  # the gradient goes straight through
        nll = gaussian_nll(features, mean, log_scale).mean()
        if self.training:
            self._move_codes(z.detach(), chosen, generator)
        used = self.uses / self.uses.sum(1, keepdim=True)
        perplexity = (-(used * used.clamp_min(1e-9).log()).sum(1)).exp().mean()
        return {
            "loss": nll + self.options.commitment * commitment,
            "nll": nll,
            "commitment": commitment,
            "perplexity": perplexity,
            "squared_error": F.mse_loss(mean, features),
        }

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """One AdamW; the codebooks move by themselves."""
        return [torch.optim.AdamW(self.parameters(), lr=self.options.learning_rate, betas=(0.9, 0.99))]

    def _likelihood(self, codes: Tensor, genre: Tensor) -> tuple[Tensor, Tensor]:
        """Codes [B, latent_dim] -> mean and log standard deviation of the features."""
        condition = F.silu(self.condition(torch.cat([codes, self.genre(genre)], dim=1)))
        start = self.expand(codes.view(len(codes), self.places, -1)).mT  # [B, neck, places]
        likely: tuple[Tensor, Tensor] = self.decoder(start, condition)
        return likely

    def _grouped(self, z: Tensor) -> Tensor:
        """[B, latent_dim] -> [groups, B * places, code_dim]."""
        return z.view(-1, self.options.groups, self.options.code_dim).transpose(0, 1)

    def _looked_up(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Each code's nearest: latents [B, latent_dim], and the numbers of the codes, [groups, B * places]."""
        grouped = self._grouped(z)
        chosen = torch.cdist(grouped.detach(), self.codes).argmin(2)
        code_vectors = torch.gather(self.codes, 1, chosen[..., None].expand(-1, -1, self.options.code_dim))
        return code_vectors.transpose(0, 1).reshape(z.shape), chosen

    @torch.no_grad()
    def _move_codes(self, z: Tensor, chosen: Tensor, generator: torch.Generator) -> None:
        """Move each code towards what was assigned to it; one that nothing is assigned to begins anew at a drawn z."""
        grouped = self._grouped(z)  # [groups, n, code_dim]
        hits = F.one_hot(chosen, self.options.codes).to(grouped)  # [groups, n, codes]
        self.uses.mul_(DECAY).add_(hits.sum(1), alpha=1 - DECAY)
        self.sums.mul_(DECAY).add_(hits.mT @ grouped, alpha=1 - DECAY)
        idle = self.uses < LEAST_USE
        anew = torch.randint(grouped.shape[1], idle.shape, generator=generator, device=generator.device).to(z.device)
        there = torch.gather(grouped, 1, anew[..., None].expand(-1, -1, grouped.shape[2]))
        self.uses.masked_fill_(idle, 1.0)
        self.sums.copy_(torch.where(idle[..., None], there, self.sums))
        self.codes.copy_(self.sums / self.uses[..., None])
