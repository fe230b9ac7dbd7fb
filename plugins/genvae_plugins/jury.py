"""A jury of spectrograms, and the losses by which another network learns what it takes for real."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAK = 0.2
LOCAL = 4  # bins and frames over which what is drawn keeps its mean
MATCHING, KEEPING, ADVERSARIAL = 2.0, 4.0, 0.5  # weights of the three parts of the loss of what draws


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


def adversarial_losses(jury: Jury, real: Tensor, drawn: Tensor, genre: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """What is minimised by what draws, by its parts, and by the jury: scalars.

    What is `drawn` [B, bins, frames] is made of less than the `real` clips [B, bins, frames] hold. It is to be like
    these on average over small regions (`keeping`), to be like them to the jury's layers (`matching`: Larsen et al.,
    Autoencoding beyond Pixels Using a Learned Similarity Metric, 2016, section 3), and to pass for real (`passing`), by
    the hinge losses of Lim & Ye, Geometric GAN, 2017, section 3. The gradients of either reach its own weights alone.
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
