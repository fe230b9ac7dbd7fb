"""The painter: fine structure that no likelihood teaches, learnt against discriminators."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae_plugins.models.detail import LOG_SCALE_RANGE, Detail
from genvae_plugins.models.patches import Patches

CHANCE = 16  # channels of noise that the painter may draw from
LEAK = 0.2
LOCAL = 4  # bins and frames over which what is painted keeps its mean
MATCHING, KEEPING, ADVERSARIAL = 2.0, 4.0, 0.5  # weights of the three parts of the painter's loss


class Residual(nn.Module):
    """Two convolutions over time, added to what they are given; at first they add nothing."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, width, 3, padding=1)
        self.second = nn.Conv1d(width, width, 3, padding=1)
        for parameter in self.second.parameters():
            nn.init.zeros_(parameter)

    def forward(self, hidden: Tensor) -> Tensor:
        """[B, width, frames] -> [B, width, frames]."""
        added: Tensor = self.second(F.gelu(self.first(F.gelu(hidden))))
        return hidden + added


class Painter(nn.Module):
    """Moves the mean and the noise of `Detail`, frame by frame, to where a discriminator takes them for real.

    A likelihood is content with the mean of all that a code may stand for, and a mean of attacks that come a little
    earlier or later is no attack. The painter is also given noise, from which it can choose one of them. At first
    it leaves all as it is.

    Args:
        width: channels of every layer.
        blocks: residual ones.
    """

    def __init__(self, patches: Patches, *, width: int, blocks: int) -> None:
        super().__init__()
        self.patch, self.bins, self.frames, self.width = patches.size, patches.bins, patches.frames, width
        self.enter = nn.Conv1d(patches.components, width * patches.size, 3, padding=1)
        self.chance = nn.Conv1d(CHANCE, width, 1, bias=False)
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(blocks)))
        self.leave = nn.Conv1d(width, 2 * patches.bins, 1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(self, codes: Tensor, detail: Detail, patches: Patches, generator: torch.Generator) -> Tensor:
        """Codes [B, length, components] -> features [B, bins, frames], drawn."""
        with torch.no_grad():  # it learns by its likelihood alone
            mean, _, log_noise = detail(codes, patches)
        noise = detail.texture.noise(mean.shape, generator)
        hidden = self.enter(codes.mT).unflatten(1, (self.patch, self.width))  # [B, patch, width, length]
        hidden = hidden.permute(0, 2, 3, 1).flatten(2)[..., : self.frames]  # [B, width, frames]
        shape = (len(codes), CHANCE, self.frames)
        chance = torch.randn(shape, generator=generator, device=codes.device, dtype=codes.dtype)
        hidden = self.blocks(hidden + self.chance(chance))
        moved, louder = self.leave(F.gelu(hidden)).float().chunk(2, dim=1)
        scale = detail.texture.amount * (log_noise + louder).clamp(*LOG_SCALE_RANGE).exp()
        painted: Tensor = mean + moved + scale * noise
        return painted


class Jury(nn.Module):
    """Tells drawn from real spectrograms, place by place, by convolutions over frequency and time: a discriminator.

    Args:
        bins: of a spectrogram.
        genres: how many there are; a genre is told, so that a sound has to be one of its own.
    """

    place: Tensor

    def __init__(self, bins: int, genres: int) -> None:
        super().__init__()
        layers = (
            nn.Conv2d(2, 32, (8, 4), stride=(4, 2), padding=(4, 2)),
            nn.Conv2d(32, 64, 3, stride=(2, 1), padding=1),
            nn.Conv2d(64, 64, 3, stride=(2, 2), padding=1),
            nn.Conv2d(64, 64, 3, stride=(2, 1), padding=1),
        )
        self.layers = nn.ModuleList(nn.utils.parametrizations.weight_norm(layer) for layer in layers)
        self.verdict = nn.utils.parametrizations.weight_norm(nn.Conv2d(64, 1, 3, padding=1))
        self.genre = nn.Embedding(genres, 64)
        self.register_buffer("place", torch.linspace(-1.0, 1.0, bins), persistent=False)

    def forward(self, features: Tensor, genre: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Features [B, bins, frames] -> verdicts [B, places], high for real ones, and what each layer saw."""
        hidden = torch.stack([features, self.place[:, None].expand_as(features)], dim=1)
        hidden = hidden.contiguous(memory_format=torch.channels_last)  # a third quicker on a CPU
        activations: list[Tensor] = []
        for layer in self.layers:
            hidden = F.leaky_relu(layer(hidden), LEAK)
            activations.append(hidden)
        verdict = self.verdict(hidden) + (hidden * self.genre(genre)[..., None, None]).mean(1, keepdim=True)
        return verdict.flatten(1).float(), activations


def painting_losses(jury: Jury, real: Tensor, drawn: Tensor, genre: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """What the painter minimises, by its parts, and what the jury does: scalars.

    What is `drawn` [B, bins, frames] is painted from the codes of the `real` clips [B, bins, frames]: it is to be like
    them on average over small regions (`keeping`), and to the jury's layers (`matching`: Larsen et al., Autoencoding
    beyond Pixels Using a Learned Similarity Metric, 2016, section 3), and to pass for real (`passing`), by the hinge
    losses of Lim & Ye, Geometric GAN, 2017, section 3. The gradients of either reach its own weights alone.
    """
    real_verdict, real_activations = jury(real, genre)
    false_verdict, _ = jury(drawn.detach(), genre)
    jury_loss = F.relu(1.0 - real_verdict).mean() + F.relu(1.0 + false_verdict).mean()
    learning = [weight for weight in jury.parameters() if weight.requires_grad]  # none where it is to stay as it is
    jury.requires_grad_(False)
    verdict, activations = jury(drawn, genre)
    for weight in learning:
        weight.requires_grad_(True)
    differences = [
        F.l1_loss(ours.float(), theirs.float()) / theirs.float().abs().mean()
        for ours, theirs in zip(activations, (each.detach() for each in real_activations), strict=True)
    ]
    parts = {
        "matching": MATCHING * torch.stack(differences).mean(),
        "keeping": KEEPING * F.l1_loss(_regions(drawn), _regions(real)),
        "passing": -ADVERSARIAL * verdict.mean(),
    }
    return parts, jury_loss


def _regions(features: Tensor) -> Tensor:
    """Features [B, bins, frames] -> means over small regions."""
    size = (min(LOCAL, features.shape[1]), min(LOCAL, features.shape[2]))
    return F.avg_pool2d(features[:, None], size)
