"""The detail of a spectrogram: what codes of patches leave out, part of it tonal and part of it noise."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from genvae.losses import gaussian_nll
from genvae.spec import FeatureSpec
from genvae_plugins.models.patches import Patches
from genvae_plugins.models.texture import Texture

LOG_SCALE_RANGE = (-5.0, 2.0)  # keeps silence from growing infinite


class Detail(nn.Module):
    """Gives spectrograms from the codes of `Patches`: a mean, and noise where the sound is noise.

    What a mean leaves over is of two kinds. Some of it is structure that the codes say too little of, such as where a
    partial stands; filling it with noise would blur partials and raise the floor between them. The rest is noise, whose
    magnitudes change from frame to frame as those of a noise's STFT do. The two are told apart by how rough the
    remainder is over time: a noise of standard deviation s has second differences of a mean size in proportion to s,
    while what is tonal has hardly any. So the network learns the roughness of each bin in each patch, as the scale of
    a Laplace distribution of the second differences, and only so much noise is drawn.

    Args:
        width: channels of the hidden layer.
        amount: of the noise, 1 for as much as was learnt.
    """

    def __init__(self, patches: Patches, spec: FeatureSpec, *, width: int, amount: float) -> None:
        super().__init__()
        self.patch, self.bins, self.frames = patches.size, patches.bins, patches.frames
        self.texture = Texture(spec, amount)
        self.roughness = self.texture.roughness(self.bins)
        self.hidden = nn.Sequential(nn.Conv1d(patches.components, width, 3, padding=1), nn.GELU())
        self.leave = nn.Linear(width, (self.patch + 2) * self.bins)

    def forward(self, codes: Tensor, patches: Patches) -> tuple[Tensor, Tensor, Tensor]:
        """Codes [B, length, components] -> mean, log error and log noise, [B, bins, frames] each.

        The error is the standard deviation of what the mean leaves over, the noise that of its noisy part.
        """
        hidden = self.hidden(codes.mT).mT  # [B, length, width]
        sizes = [self.patch * self.bins, self.bins, self.bins]
        more, log_error, log_noise = self.leave(hidden).float().split(sizes, dim=2)
        mean = patches.decode(codes) + patches.join(more)
        return mean, self._over_frames(log_error), self._over_frames(log_noise)

    def loss(self, features: Tensor, codes: Tensor, patches: Patches) -> tuple[Tensor, Tensor]:
        """The negative log-likelihoods of features [B, bins, frames] and of their remainder's roughness: scalars."""
        mean, log_error, log_noise = self(codes, patches)
        nll = gaussian_nll(features, mean, log_error).mean()
        if self.frames < 3:
            return nll, log_noise.square().mean()  # nothing has a second difference
        rough = (features - mean.detach()).diff(n=2, dim=2).abs() / self.roughness
        log_scale = log_noise[..., 1:-1]
        return nll, (rough * (-log_scale).exp() + log_scale + math.log(2.0)).mean()

    def draw(self, codes: Tensor, patches: Patches, generator: torch.Generator | None) -> Tensor:
        """Codes -> features [B, bins, frames]; the mean without a generator."""
        mean, _, log_noise = self(codes, patches)
        drawn: Tensor = self.texture(mean, log_noise, generator)
        return drawn

    def _over_frames(self, values: Tensor) -> Tensor:
        """[B, length, bins] -> [B, bins, frames], within a range that is safe to exponentiate."""
        frames = values.repeat_interleave(self.patch, dim=1)[:, : self.frames]
        return frames.mT.clamp(*LOG_SCALE_RANGE)
