"""Patches: a spectrogram as a short sequence of few numbers, by principal components of a few frames at a time."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Patches(nn.Module):
    """A linear code of spectrograms, measured on training clips rather than trained.

    A patch is `size` whole frames. Its code is its leading principal components, each divided by the square root of
    its standard deviation: halfway between the components as they are, where the loudness of a clip would drown all
    else, and whitened ones, where detail that is hardly there would count as much as all else.

    Attributes:
        length: patches in a clip.
        components: numbers in a patch's code, as many as were asked for or as the patch has.
        mean: [size * bins], the mean patch.
        basis: [size * bins, components], from codes to patches.
        analysis: the same shape, from patches to codes.
        deviation: [components], the standard deviation of each number of a code.
    """

    mean: Tensor
    basis: Tensor
    analysis: Tensor
    deviation: Tensor

    def __init__(self, *, bins: int, frames: int, size: int, components: int) -> None:
        super().__init__()
        width = size * bins
        components = min(components, width)
        self.bins, self.frames, self.size, self.components = bins, frames, size, components
        self.length = -(-frames // size)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("basis", torch.eye(width, components))
        self.register_buffer("analysis", torch.eye(width, components))
        self.register_buffer("deviation", torch.ones(components))

    @torch.no_grad()
    def fit(self, batches: Iterable[Tensor], weight: Tensor | None = None) -> None:
        """Measure mean and principal components of features [B, bins, frames].

        Args:
            weight: [bins], what an error in a bin counts; by default all count alike.

        Raises:
            ValueError: there are none.
        """
        count, total, products = 0, torch.zeros_like(self.mean), torch.zeros(len(self.mean), len(self.mean))
        products = products.to(self.mean)
        for features in batches:
            patches = self.cut(features).flatten(0, 1)  # [B * length, size * bins]
            count += len(patches)
            total += patches.sum(0)
            products.addmm_(patches.mT, patches)
        if not count:
            raise ValueError("there are no clips to measure patches on")
        mean = total / count
        weights = torch.ones(self.bins) if weight is None else weight.cpu()
        weights = weights.double().repeat(self.size)  # [size * bins]
        covariance = (products / count - torch.outer(mean, mean)).double().cpu()
        covariance *= torch.outer(weights, weights)
        variance, vectors = torch.linalg.eigh(covariance)  # ascending
        vectors = vectors.flip(1)[:, : self.components]
        scale = variance.flip(0)[: self.components].clamp_min(1e-8) ** 0.25  # square roots of standard deviations
        # One factor for all brings the codes to unit scale on the whole.
        scale = scale * scale.square().mean().sqrt()
        self.mean.copy_(mean)
        self.basis.copy_((vectors * scale / weights[:, None]).float())
        self.analysis.copy_((vectors / scale * weights[:, None]).float())
        self.deviation.copy_((variance.flip(0)[: self.components].clamp_min(1e-8).sqrt() / scale).float())

    def cut(self, features: Tensor) -> Tensor:
        """Features [B, bins, frames] -> patches [B, length, size * bins]; the last frame is repeated to fill one."""
        filled = F.pad(features, (0, self.length * self.size - self.frames), mode="replicate")
        split = filled.view(len(features), self.bins, self.length, self.size)
        return split.permute(0, 2, 3, 1).flatten(2)

    def join(self, patches: Tensor) -> Tensor:
        """Patches [B, length, size * bins] -> features [B, bins, frames]."""
        frames = patches.reshape(len(patches), -1, self.bins)  # [B, length * size, bins]
        return frames.mT[..., : self.frames]

    def encode(self, features: Tensor) -> Tensor:
        """Features [B, bins, frames] -> codes [B, length, components], in single precision at any of the training's."""
        with torch.autocast(features.device.type, enabled=False):
            return (self.cut(features) - self.mean) @ self.analysis

    def decode(self, codes: Tensor) -> Tensor:
        """Codes [B, length, components] -> features [B, bins, frames], likewise."""
        with torch.autocast(codes.device.type, enabled=False):
            return self.join(codes @ self.basis.mT + self.mean)
