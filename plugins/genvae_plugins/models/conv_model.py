"""What `conv-vae` and `wae` share: the convolutional decoder with its likelihood, conditional on genre."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.attributes import Attribute
from genvae.interfaces.model import Model
from genvae.spec import FeatureSpec
from genvae_plugins.models import ConvVAEOptions, WAEOptions
from genvae_plugins.models.attribute_embedding import AttributeEmbedding, with_attributes
from genvae_plugins.models.conv_networks import CONDITION_DIM, GENRE_DIM, Decoder, Encoder
from genvae_plugins.models.texture import Texture


class ConvModel(Model):
    """The networks of `conv_networks`, and what comes of a latent. A child says how clips become latents.

    The likelihood is a Gaussian in log-magnitude whose scale is predicted for every bin and frame. `decode` given a
    generator draws from it (see `texture`), without one it gives the mean.
    """

    def __init__(
        self,
        options: ConvVAEOptions | WAEOptions,
        *,
        spec: FeatureSpec,
        frames: int,
        genres: Sequence[str],
        attributes: Sequence[Attribute] = (),
    ) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.latent_dim = options.latent_dim
        self.max_gradient_norm = 1.0
        self.learning_rate = options.learning_rate
        self.texture = Texture(spec, options.texture)
        self.genre = nn.Embedding(len(genres), GENRE_DIM)
        self.encoder = Encoder(options, bins=spec.bins, frames=frames)
        self.decoder = Decoder(options, bins=spec.bins, frames=frames)
        self.encoded_dim = options.neck * self.decoder.lengths[-1]
        self.condition = nn.Linear(self.latent_dim + GENRE_DIM, CONDITION_DIM)
        self.expand = nn.Linear(self.latent_dim + GENRE_DIM, self.encoded_dim)
        self.attributes = AttributeEmbedding(attributes, GENRE_DIM) if attributes else None

    def encoded(self, features: Tensor, genre: Tensor, attributes: Tensor | None = None) -> Tensor:
        """Features [B, bins, frames] -> what a posterior is made of, [B, encoded_dim]."""
        known = with_attributes(self.genre(genre), self.attributes, attributes)
        return F.silu(self.encoder(features, known)).flatten(1)

    def likelihood(self, z: Tensor, genre: Tensor, attributes: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation of the features that latents stand for, [B, bins, frames] each."""
        inputs = torch.cat([z, with_attributes(self.genre(genre), self.attributes, attributes)], dim=1)
        start = self.expand(inputs).unflatten(1, (-1, self.decoder.lengths[-1]))
        likely: tuple[Tensor, Tensor] = self.decoder(start, F.silu(self.condition(inputs)))
        return likely

    def decode(
        self,
        z: Tensor,
        genre: Tensor,
        *,
        generator: torch.Generator | None = None,
        attributes: Tensor | None = None,
    ) -> Tensor:
        """Latents [B, latent_dim] -> features [B, bins, frames]: the likelihood's mean, or a draw with a generator."""
        drawn: Tensor = self.texture(*self.likelihood(z, genre, attributes), generator)
        return drawn

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """One AdamW."""
        return [torch.optim.AdamW(self.parameters(), lr=self.learning_rate, betas=(0.9, 0.99))]
