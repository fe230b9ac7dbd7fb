"""A neural vocoder: a network guesses the phases of each frame, and learns against a discriminator of spectrograms.

In the manner of Siuzdak, Vocos: Closing the Gap between Time-Domain and Fourier-Based Neural Vocoders, 2023, but that
the magnitudes are those that it is given.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor, nn

import genvae
from genvae import windows
from genvae_authors import AdversaryOptions

FLOOR = -12.0  # of log magnitudes


class Block(nn.Module):
    """Neighbouring frames of each channel, then all channels of a frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.over_time = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.over_channels = nn.Sequential(nn.Conv1d(width, 2 * width, 1), nn.GELU(), nn.Conv1d(2 * width, width, 1))

    def forward(self, hidden: Tensor) -> Tensor:
        """[B, width, frames] -> the same shape."""
        return hidden + self.over_channels(self.over_time(hidden))


class Adversary(genvae.Vocoder):
    """The magnitudes that it is given, with phases that it has learnt."""

    window: Tensor
    mean: Tensor

    def __init__(self, options: AdversaryOptions, *, spec: genvae.FeatureSpec) -> None:
        super().__init__(options, spec=spec)
        spec.require("adversary", kind="magnitude", scale="log", window=windows.NAMES, bins=spec.n_fft // 2 + 1)
        self.options = options
        self.register_buffer("window", windows.of(spec), persistent=False)
        self.register_buffer("mean", torch.zeros(spec.bins, 1))
        width = options.width
        self.network = nn.Sequential(
            nn.Conv1d(spec.bins, width, 3, padding=1),
            *(Block(width) for _ in range(options.depth)),
            nn.Conv1d(width, 2 * spec.bins, 1),
        )
        self.discriminator = nn.Sequential(
            nn.Conv1d(spec.bins, width, 3, padding=1), nn.LeakyReLU(0.2), nn.Conv1d(width, 1, 3, padding=1)
        )

    def fit(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Measure the mean level of each bin."""
        means = [spectrogram.clamp_min(FLOOR).mean((0, 2)) for spectrogram, _ in islice(pairs, 100)]
        self.mean.copy_(torch.stack(means).mean(0)[:, None])

    def forward(
        self, spectrogram: Tensor, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Log magnitudes [B, bins, frames] -> waveforms [B, length]."""
        length = self.spec.samples(spectrogram.shape[2]) if length is None else length
        real, imaginary = self.network(spectrogram.clamp_min(FLOOR) - self.mean).chunk(2, dim=1)
        spectrum = torch.polar(spectrogram.exp(), torch.atan2(imaginary, real))
        held = spectrogram.shape[2] * self.spec.hop - 1
        wave = torch.istft(spectrum, self.spec.n_fft, self.spec.hop, window=self.window, length=held)
        return nn.functional.pad(wave, (0, length - held))

    def loss(
        self, spectrogram: Tensor, wave: Tensor, *, generator: torch.Generator, discriminate: bool = False
    ) -> dict[str, Tensor]:
        """How far off its magnitudes are and what the discriminator makes of them; or the discriminator's own loss."""
        wanted = spectrogram.clamp_min(FLOOR)
        made = self._levels(self(spectrogram, length=wave.shape[1]))
        if discriminate:
            real, false = self.discriminator(wanted - self.mean), self.discriminator(made.detach() - self.mean)
            return {"loss": nn.functional.relu(1 - real).mean() + nn.functional.relu(1 + false).mean()}
        distance = (made - wanted).abs().mean()
        verdict = self.discriminator(made - self.mean).mean()
        loss = distance - self.options.adversarial * verdict
        return {"loss": loss, "distance": distance, "verdict": verdict}

    def training_step(self, spectrogram: Tensor, wave: Tensor, step: genvae.TrainingStep) -> dict[str, Tensor]:
        """A step of the discriminator, then one of the network."""
        network, discriminator = step.optimizers
        judged = step.loss(spectrogram, wave, generator=step.generator, discriminate=True)["loss"]
        discriminator.zero_grad(set_to_none=True)
        step.backward(judged)
        discriminator.step()
        parts = step.loss(spectrogram, wave, generator=step.generator)
        network.zero_grad(set_to_none=True)
        step.backward(parts["loss"])
        network.step()
        return {**parts, "discriminator": judged}

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """One for the network, one for the discriminator."""
        rate = self.options.learning_rate
        return [
            torch.optim.AdamW(self.network.parameters(), lr=rate),
            torch.optim.AdamW(self.discriminator.parameters(), lr=rate, betas=(0.5, 0.9)),
        ]

    def _levels(self, wave: Tensor) -> Tensor:
        """Log magnitudes [B, bins, frames] of waveforms [B, samples]."""
        spectrum = torch.stft(
            wave, self.spec.n_fft, self.spec.hop, window=self.window, pad_mode="constant", return_complex=True
        )
        return spectrum.abs().clamp_min(torch.tensor(FLOOR).exp().item()).log()
